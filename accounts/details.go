package accounts

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
)

const maxPronouns = 40 // runes

const (
	sqlDetails    = `SELECT pronouns, contacts, share_time, no_alerts, public_pages FROM users WHERE id = $1`
	sqlSetDetails = `UPDATE users SET pronouns = $2, contacts = $3, share_time = $4, no_alerts = $5, public_pages = $6,
		rev = $7 WHERE id = $1`
)

// Details are what people tell others about themselves on their page.
type Details struct {
	Pronouns  string
	Contacts  []string // how to reach the person: URLs, see ParseContact
	ShareTime bool     // others see the local time, once the time zone is known
	NoAlerts  bool     // others can't ask to be told when the person is here
	Public    bool     // embeds on public web pages may show the person
}

func (d Details) equal(o Details) bool {
	return d.Pronouns == o.Pronouns && slices.Equal(d.Contacts, o.Contacts) && d.ShareTime == o.ShareTime &&
		d.NoAlerts == o.NoAlerts && d.Public == o.Public
}

// Details returns a person's details. Error: ErrNotFound.
func (s *Store) Details(ctx context.Context, userID string) (Details, error) {
	return readDetails(ctx, s.r, userID)
}

func readDetails(ctx context.Context, from reader, userID string) (Details, error) {
	var d Details
	var contacts string
	err := from.queryRow(ctx, sqlDetails, []any{userID}, &d.Pronouns, &contacts, &d.ShareTime, &d.NoAlerts, &d.Public)
	if errors.Is(err, sql.ErrNoRows) {
		return d, ErrNotFound
	}
	d.Contacts = strings.Fields(contacts)
	return d, wrap("read details", err)
}

// ChangeDetails changes a person's details, in one step with reading them. With NoAlerts, it also drops all alerts
// about the person. change may run again. Errors: that of change; *FieldError about pronouns or contacts, FieldErrors
// about both; ErrNotFound.
func (s *Store) ChangeDetails(ctx context.Context, userID string, change func(*Details) error) error {
	return wrap("set details", s.write(ctx, func(ctx context.Context, t *transaction) error {
		was, err := readDetails(ctx, t, userID)
		if err != nil {
			return err
		}
		d := was
		d.Contacts = slices.Clone(was.Contacts)
		if err := change(&d); err != nil {
			return err
		}
		if err := d.clean(); err != nil || was.equal(d) {
			return err
		}
		rev, err := t.nextRev(ctx)
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, sqlSetDetails, userID, d.Pronouns, strings.Join(d.Contacts, "\n"), d.ShareTime, d.NoAlerts,
			d.Public, rev)
		if err == nil && d.NoAlerts {
			_, err = t.exec(ctx, sqlDropAlertsAbout, userID)
		}
		return err
	}))
}

// clean brings d into its stored form, or returns a *FieldError or FieldErrors.
func (d *Details) clean() error {
	var wrong FieldErrors
	var err error
	d.Pronouns, err = cleanLine("pronouns", d.Pronouns, maxPronouns)
	wrong.add(err)
	d.Contacts, err = cleanContacts(d.Contacts)
	wrong.add(err)
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}
