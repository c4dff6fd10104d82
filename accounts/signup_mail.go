package accounts

import (
	"context"
	"slices"
	"strings"
)

const (
	maxDomains     = 20 // in Settings.Domains
	maxMailedBoss  = 20 // administrators who get an email when somebody waits
	domainsSetting = "signup_domains"
)

// CleanDomains returns domains of email addresses in the form in which they're stored: in lower case, without repeats,
// and separated by single spaces. Commas may separate them, too. Error: *FieldError about signup_domains.
func CleanDomains(typed string) (string, error) {
	all := strings.FieldsFunc(strings.ToLower(typed), func(r rune) bool { return r == ',' || r <= ' ' })
	for i, domain := range all {
		all[i] = strings.TrimPrefix(domain, "@")
		if len(all[i]) > maxEmail || !isEmailDomain(all[i]) {
			return "", &FieldError{Field: domainsSetting, Code: NotADomain, Detail: clip(domain, maxHostLabel)}
		}
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(all) > maxDomains {
		return "", &FieldError{Field: domainsSetting, Code: TooMany, Limit: maxDomains}
	}
	return strings.Join(all, " "), nil
}

// Admits reports whether an address that has passed CleanEmail is at one of the domains of s. A subdomain is another
// domain.
func (s Settings) Admits(email string) bool {
	if email == "" {
		return false
	}
	_, domain := cutEmail(strings.ToLower(email))
	return slices.Contains(strings.Fields(s.Domains), domain)
}

// AskSignUp queues an email with a link with which the owner of an address makes an account. It does the same whoever
// has the address. Errors: *FieldError, ErrMailsFull.
func (s *Store) AskSignUp(ctx context.Context, email string) error {
	email, _, err := CleanEmail(email)
	if err == nil && email == "" {
		err = wrongField("email", Missing)
	}
	if err != nil {
		return err
	}
	return wrap("ask for an account", s.write(ctx, func(ctx context.Context, t *transaction) error {
		return queueMail(ctx, t, MailSignUp, "", MailDetails{To: email})
	}))
}

// SignUpLink returns the address to which the link of a token was sent, or ErrNoLink. It doesn't use the link.
func (s *Store) SignUpLink(ctx context.Context, token string) (email string, err error) {
	l, err := s.emailLink(ctx, token, signUpLink)
	return l.Email, err
}

// joinByAddress uses up the link that was sent to an address, which becomes that of the new user.
func joinByAddress(ctx context.Context, t *transaction, r *newRow, token string) error {
	l, _, err := useEmailLink(ctx, t, token, signUpLink)
	if err != nil {
		return err
	}
	r.email, r.emailKey = l.Email, strings.ToLower(l.Email)
	return nil
}

// tellAdmins queues an email to administrators, because somebody waits for approval. One that's still in the queue will
// count them, too.
func tellAdmins(ctx context.Context, t *transaction) error {
	if !t.sendsMail {
		return nil
	}
	admins, err := t.strings(ctx, sqlMailedAdmins, maxMailedBoss)
	if err != nil {
		return err
	}
	for _, id := range admins {
		queued, err := t.strings(ctx, sqlMailQueued, id, string(MailWaiting))
		if err == nil && len(queued) == 0 {
			err = queueNotice(ctx, t, MailWaiting, id, MailDetails{})
		}
		if err != nil {
			return err
		}
	}
	return nil
}
