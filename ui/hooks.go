package ui

import (
	"strconv"
	"time"
)

// HooksPage lists the webhooks of a person.
type HooksPage struct {
	Layout
	Hooks []HookLine
	Max   int    // how many a person can have
	Said  string // what has just been done, or ""
}

// Full reports whether there can't be another one.
func (p HooksPage) Full() bool { return len(p.Hooks) >= p.Max }

// HookLine is one webhook on the list.
type HookLine struct {
	ID, Label string
	Where     string // the host of its address, which alone isn't a secret
	About     string // whom it's about, in words
	State     string // whether deliveries succeed, in words
	Bad       bool   // they don't
}

// HookPage is the page of one webhook, or the form for a new one.
type HookPage struct {
	Layout
	ID      string            // "": a new one
	Message string            // why the form was refused, if that isn't about one field
	Errors  map[string]string // messages by field
	Said    string            // what has just been done, or ""

	Name           string // as stored; Label is what was typed
	Label, URL     string
	About          string // all, team or person
	Team, Person   string // a name, and a username
	Teams          []string
	Format         string // standard, slack or teams
	Settle         string // seconds
	States, Texts  bool
	Stopped        bool      // nothing is delivered
	State          string    // whether deliveries succeed, in words
	Bad            bool      // they don't
	StateAt        time.Time // since when; zero: not said
	BothUntil      time.Time // until when the previous secret signs, too; zero: there's none
	Test           *HookTest // that was just sent
	Deliveries     []HookDelivery
	OnePerson      bool // so deliveries have no time
	DeliveriesKept int  // how many are listed at most
}

// HookTest is how a test went.
type HookTest struct {
	OK        bool
	Result    string // in words
	Took      string
	Signature string // the header that was sent
}

// HookDelivery is one try to deliver something.
type HookDelivery struct {
	At     time.Time
	Day    bool   // At is only a day
	Event  string // its type
	OK     bool
	Result string // in words
	Took   string
	Tries  int
}

// When returns when the delivery was.
func (d HookDelivery) When() moment {
	if d.Day {
		return moment{Text: d.At.UTC().Format("2 Jan")}
	}
	return momentOf(d.At, stampLayout)
}

// Try returns which try it was, unless it was the first.
func (d HookDelivery) Try() string {
	if d.Tries < 2 {
		return ""
	}
	return "try " + strconv.Itoa(d.Tries)
}

// Wrong reports an error of a field for its template.
func (p HookPage) Wrong(field string) setting {
	return setting{ID: "hook-" + field, Error: p.Errors[field], Focus: p.Errors[field] != "" && p.first() == field}
}

// first returns the first field with an error.
func (p HookPage) first() string {
	for _, field := range []string{"name", "url", "about", "team", "person", "events", "format", "settle"} {
		if p.Errors[field] != "" {
			return field
		}
	}
	return ""
}

// Failed reports whether the form was refused.
func (p HookPage) Failed() bool { return p.Message != "" || len(p.Errors) > 0 }

// StateSince returns since when State is so.
func (p HookPage) StateSince() moment { return momentOf(p.StateAt, "since "+stampLayout) }

// BothEnd returns until when both secrets sign.
func (p HookPage) BothEnd() moment { return momentOf(p.BothUntil, stampLayout) }

// AboutOptions returns whom a webhook can be about.
func (p HookPage) AboutOptions() []option {
	return chooseOne("about", p.About,
		option{Value: "all", Label: "Everyone I can see"},
		option{Value: "team", Label: "One team"},
		option{Value: "person", Label: "One person"})
}

// FormatOptions returns the formats.
func (p HookPage) FormatOptions() []option {
	return chooseOne("format", p.Format,
		option{Value: "standard", Label: "Standard Webhooks (JSON)"},
		option{Value: "slack", Label: "Slack, Mattermost, Rocket.Chat, Discord"},
		option{Value: "teams", Label: "Microsoft Teams"})
}

// SettleOptions returns how long a state must last before it's sent.
func (p HookPage) SettleOptions() []option {
	all := []option{{Value: "", Label: "The default"}, {Value: "0", Label: "Send at once"}, {Value: "10", Label: "10 seconds"},
		{Value: "30", Label: "30 seconds"}, {Value: "60", Label: "1 minute"}, {Value: "120", Label: "2 minutes"},
		{Value: "300", Label: "5 minutes"}, {Value: "900", Label: "15 minutes"}, {Value: "3600", Label: "1 hour"}}
	if p.ID != "" {
		all = all[1:]
	}
	for _, o := range all {
		if o.Value == p.Settle {
			return chooseOne("settle", p.Settle, all...)
		}
	}
	return chooseOne("settle", p.Settle, append(all, option{Value: p.Settle, Label: p.Settle + " seconds"})...) // set elsewhere
}

// chooseOne marks the chosen option of a field.
func chooseOne(field, chosen string, all ...option) []option {
	for i := range all {
		all[i].Name, all[i].Chosen = field, all[i].Value == chosen
	}
	return all
}

// HookSecretPage shows the secret of a webhook, once.
type HookSecretPage struct {
	Layout
	ID, Name string
	Secret   string
	Renewed  bool // the previous one signs, too, for a day
}

func (HooksPage) template() string      { return "hooks" }
func (HookPage) template() string       { return "hook" }
func (HookSecretPage) template() string { return "hook-secret" }
