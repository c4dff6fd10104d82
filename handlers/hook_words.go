package handlers

import (
	"fmt"
	"net/http"
	"time"

	"rollcall/accounts"
)

// hookState says whether deliveries to a webhook succeed, and since when they don't.
func hookState(h accounts.Hook) (state string, since time.Time, bad bool) {
	switch h.Stopped {
	case accounts.HookPaused:
		return "Paused.", h.StoppedAt, false
	case accounts.HookGone:
		return "Stopped, because the address answered that it's gone for good (410).", h.StoppedAt, true
	case accounts.HookFailing:
		return "Stopped, because every delivery failed for five days.", h.StoppedAt, true
	case accounts.HookPersonLeft:
		return "Stopped, because the person it was about no longer has an account here.", time.Time{}, true
	}
	if h.Failures > 0 {
		return "Deliveries fail. Rollcall keeps trying.", h.FailsSince, true
	}
	return "On.", time.Time{}, false
}

// reasonWords says why a delivery failed.
var reasonWords = map[string]string{
	accounts.ReasonRedirect: "redirects aren't followed",
	accounts.ReasonAddress:  "not a public address",
	accounts.ReasonDNS:      "the host name wasn't found",
	accounts.ReasonConnect:  "no connection",
	accounts.ReasonTLS:      "no secure connection",
	accounts.ReasonTimeout:  "no answer in time",
	accounts.ReasonAnswer:   "no valid answer",
}

// deliveryWords says how a delivery went, in a list.
func deliveryWords(d accounts.Delivery) string {
	words := reasonWords[d.Reason]
	switch {
	case d.Status == 0:
		return words
	case words == "":
		return fmt.Sprint(d.Status)
	}
	return fmt.Sprintf("%d, %s", d.Status, words)
}

// DeliveryMessage says how a test went, and what to do if it failed. Pages, the API and the command line share it.
func DeliveryMessage(d accounts.Delivery) string {
	answered := fmt.Sprintf("The address answered %d", d.Status)
	if text := http.StatusText(d.Status); text != "" {
		answered += " (" + text + ")"
	}
	switch d.Reason {
	case "":
		return answered + "."
	case accounts.ReasonStatus:
		return answered + ". It has to answer with a status from 200 to 299."
	case accounts.ReasonRedirect:
		return answered + ". Rollcall doesn't follow redirects. Enter the address that they lead to."
	case accounts.ReasonAddress:
		return "The address isn't public, so nothing was sent. The person who runs this Rollcall can allow it with --webhook-allow."
	case accounts.ReasonDNS:
		return "The host name wasn't found. Check the address."
	case accounts.ReasonConnect:
		return "The connection failed. Check that your program runs, and the port."
	case accounts.ReasonTLS:
		return "There was no secure connection. Check the certificate of the address."
	case accounts.ReasonTimeout:
		return "There was no answer in time."
	}
	return "There was no valid answer."
}

func tookWords(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
