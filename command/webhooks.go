package command

import (
	"fmt"
	"net/netip"
	"time"

	"rollcall/hooks"
)

const (
	minWebhookLease = time.Second
	maxWebhookLease = time.Hour
)

// webhooks holds the settings for webhooks.
type webhooks struct {
	WebhookAllow []prefix      `group:"Webhooks:" variable:"ROLLCALL_WEBHOOK_ALLOW" placeholder:"CIDR" help:"Comma-separated addresses or ranges that webhooks may be delivered to, although they aren't public, such as 192.168.1.0/24. People who make a webhook can reach whatever listens there."`
	WebhookLease time.Duration `hidden:"" variable:"ROLLCALL_WEBHOOK_LEASE" default:"30s" help:"How long other replicas wait before one of them delivers webhooks instead of a replica that crashed."`
}

func (w *webhooks) check() error {
	if w.WebhookLease < minWebhookLease || w.WebhookLease > maxWebhookLease {
		return fmt.Errorf("--webhook-lease %v: choose %v to %v", w.WebhookLease, minWebhookLease, maxWebhookLease)
	}
	return nil
}

// sender returns what sends webhooks.
func (w *webhooks) sender() *hooks.Sender {
	allow := make([]netip.Prefix, len(w.WebhookAllow))
	for i, p := range w.WebhookAllow {
		allow[i] = p.Prefix
	}
	return hooks.NewSender(hooks.SenderConfig{Allow: allow, Version: buildVersion(), Timeout: w.WebhookLease / 2})
}

// newDeliverer returns what delivers webhooks.
func newDeliverer(a *app, sender *hooks.Sender) *hooks.Deliverer {
	return hooks.New(hooks.Config{
		Accounts: a.store, Board: a.server.Board(), Sender: sender, Log: a.log, Lease: a.settings.WebhookLease,
	})
}
