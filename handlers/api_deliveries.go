package handlers

import (
	"context"
	"fmt"
	"time"

	"rollcall/accounts"
)

// deliveryJSON is one try to deliver something to a webhook.
type deliveryJSON struct {
	At     string `json:"at"` // a time, or only a day
	Event  string `json:"event"`
	Try    int    `json:"try"`
	OK     bool   `json:"ok"`
	Status int    `json:"status,omitempty"` // of HTTP; missing: no answer
	TookMS int64  `json:"took_ms"`
	Reason string `json:"reason,omitempty"` // why it failed
	Detail string `json:"detail,omitempty"` // the same in words

	Signature string `json:"signature,omitempty"` // of a test that was just sent
}

// deliveryOf returns a delivery. With a webhook about one person, its time would tell when that person came or left.
func deliveryOf(h accounts.Hook, d accounts.Delivery) deliveryJSON {
	y := deliveryJSON{At: d.At.UTC().Format(time.RFC3339), Event: d.Event, Try: d.Tries, OK: d.Reason == "", Status: d.Status,
		TookMS: d.Took.Milliseconds(), Reason: d.Reason}
	if d.Reason != "" {
		y.Detail = DeliveryMessage(d)
	}
	if h.About == accounts.AboutOnePerson && d.Event != accounts.TestEvent {
		y.At = d.At.UTC().Format(time.DateOnly)
	}
	return y
}

// apiTestHook sends a test to a webhook, and answers how that went.
func (s *Server) apiTestHook(ctx context.Context, x *call) (reply, error) {
	h, err := s.callersHook(ctx, x)
	if err != nil {
		return reply{}, err
	}
	d, signature, err := s.sendTest(ctx, h)
	if err != nil {
		return reply{}, err
	}
	body := deliveryOf(h, d)
	body.Signature, body.Detail = signature, DeliveryMessage(d)
	return ok(body), nil
}

type deliveriesJSON struct {
	Deliveries []deliveryJSON `json:"deliveries"`
}

// apiDeliveries lists the latest deliveries to a webhook.
func (s *Server) apiDeliveries(ctx context.Context, x *call) (reply, error) {
	h, err := s.callersHook(ctx, x)
	if err != nil {
		return reply{}, err
	}
	all, err := s.cfg.Accounts.Deliveries(ctx, h.ID)
	if err != nil {
		return reply{}, notRead(fmt.Errorf("list deliveries: %w", err))
	}
	list := deliveriesJSON{Deliveries: []deliveryJSON{}}
	for _, d := range all {
		list.Deliveries = append(list.Deliveries, deliveryOf(h, d))
	}
	return ok(list), nil
}
