package accounts

import (
	"context"
	"time"
)

// ExportedHook is a webhook of the person. Its secrets are left out.
type ExportedHook struct {
	Label      string             `json:"name"`
	URL        string             `json:"url"`
	Format     HookFormat         `json:"format"`
	About      HookScope          `json:"about"`               // all, team or person
	Team       string             `json:"team,omitempty"`      // with about team
	PersonID   string             `json:"person_id,omitempty"` // with about person
	States     bool               `json:"states"`              // it's told of states
	Texts      bool               `json:"texts"`               // it's told of texts
	Settle     int                `json:"settle_seconds"`
	Stopped    HookStop           `json:"stopped,omitempty"` // why nothing is delivered
	StoppedAt  time.Time          `json:"stopped_at,omitzero"`
	FailsSince time.Time          `json:"fails_since,omitzero"`
	CreatedAt  time.Time          `json:"created_at"`
	RotatedAt  time.Time          `json:"rotated_at,omitzero"` // if the previous secret still signs
	Deliveries []ExportedDelivery `json:"deliveries"`          // of the last day, the newest first
}

// ExportedDelivery is one try to deliver something to a webhook.
type ExportedDelivery struct {
	At     time.Time `json:"at"` // only the day, if the webhook is about one person
	Event  string    `json:"event"`
	Tries  int       `json:"try"`
	Status int       `json:"status"` // of HTTP; 0: no answer
	Took   int64     `json:"took_ms"`
	Reason string    `json:"reason,omitempty"` // why it failed
}

// exportHooks adds the hooks of a person, with their latest deliveries.
func exportHooks(ctx context.Context, t *transaction, userID string, x *Export) error {
	hooks, err := readHooks(ctx, t, t.now, sqlHooksOf, userID, MaxHooks)
	if err != nil {
		return err
	}
	for _, h := range hooks {
		all, err := readDeliveries(ctx, t, t.now, h.ID)
		if err != nil {
			return err
		}
		out := ExportedHook{
			Label: h.Label, URL: h.URL, Format: h.Format, About: h.About, Team: h.Team, PersonID: h.PersonID,
			States: h.States, Texts: h.Texts, Settle: int(h.Settle / time.Second), Stopped: h.Stopped, StoppedAt: h.StoppedAt,
			FailsSince: h.FailsSince, CreatedAt: h.CreatedAt, Deliveries: []ExportedDelivery{},
		}
		if !h.OldUntil.IsZero() {
			out.RotatedAt = h.OldUntil.Add(-OldSecretLife)
		}
		for _, d := range all {
			out.Deliveries = append(out.Deliveries,
				ExportedDelivery{d.At, d.Event, d.Tries, d.Status, d.Took.Milliseconds(), d.Reason})
		}
		x.Hooks = append(x.Hooks, out)
	}
	return nil
}
