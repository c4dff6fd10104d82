package accounts

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Errors of identities.
var (
	ErrNoIdentity = errors.New("nobody has this identity")
	ErrLinked     = errors.New("somebody else has this identity")
)

const (
	maxIdentities = 20  // of one person
	maxIssuer     = 500 // bytes; longer ones are refused
	maxSubject    = 255 // bytes
	maxIdentityBy = 128 // bytes of a label; the rest is cut
)

// Identity is what a provider or a proxy calls somebody. Issuer and Subject together identify it and are compared
// exactly. For a proxy, the issuer is "proxy:" and the name of its header.
type Identity struct {
	Issuer, Subject string
	Provider        string // key of the provider; for a proxy, the issuer
	Label           string // what the person sees: their address or name at the provider

	// Only in results:

	UserID            string
	CreatedAt, UsedAt time.Time
}

// ID names an identity in forms without revealing it.
func (i Identity) ID() string { return hashToken([]byte(i.Issuer + "\x00" + i.Subject)) }

// valid reports whether an identity can be stored. Empty ones would be shared by everybody without one.
func (i Identity) valid() bool {
	return i.Issuer != "" && len(i.Issuer) <= maxIssuer && i.Subject != "" && len(i.Subject) <= maxSubject &&
		i.Provider != ""
}

const (
	identityColumns = `SELECT issuer, subject, provider, label, user_id, created_at, used_at FROM identities `

	sqlIdentities   = identityColumns + `WHERE user_id = $1 ORDER BY created_at, issuer, subject`
	sqlIdentityUser = `SELECT ` + userColumns + ` FROM identities i JOIN users u ON u.id = i.user_id
		WHERE i.issuer = $1 AND i.subject = $2`
	sqlAddIdentity = `INSERT INTO identities (issuer, subject, provider, label, user_id, created_at, used_at)
		VALUES ($1, $2, $3, $4, $5, $6, $6)`
	sqlUseIdentity  = `UPDATE identities SET provider = $3, label = $4, used_at = $5 WHERE issuer = $1 AND subject = $2`
	sqlDropIdentity = `DELETE FROM identities WHERE issuer = $1 AND subject = $2`

	sqlOnlyElsewhere = `SELECT i.provider, count(*) FROM identities i JOIN users u ON u.id = i.user_id
		WHERE u.password_hash = '' GROUP BY i.provider`
	sqlEndOfProvider = `DELETE FROM sessions WHERE user_id = $1 AND provider = $2 AND id <> $3 RETURNING id`
	ofProvider       = `provider = $1 AND provider <> '' AND provider_session = $2 RETURNING id`
	ofSubject        = `provider = $1 AND user_id IN (SELECT user_id FROM identities WHERE issuer = $2 AND subject = $3) RETURNING id`

	sqlLeaveProviders = leaveUnnoticed + ofProvider
	sqlEndProviders   = endNoticed + ofProvider
	sqlLeaveSubjects  = leaveUnnoticed + ofSubject
	sqlEndSubjects    = endNoticed + ofSubject
)

// Identities returns the identities of a person, the oldest first.
func (s *Store) Identities(ctx context.Context, userID string) ([]Identity, error) {
	all, err := readIdentities(ctx, s.r, userID)
	return all, wrap("list identities", err)
}

func readIdentities(ctx context.Context, from reader, userID string) ([]Identity, error) {
	type identityRow struct {
		Identity
		created, used int64
	}
	rows, err := from.query(ctx, sqlIdentities, userID)
	if err != nil {
		return nil, err
	}
	found, err := collect(rows, func(r *identityRow) []any {
		return []any{&r.Issuer, &r.Subject, &r.Provider, &r.Label, &r.UserID, &r.created, &r.used}
	})
	all := make([]Identity, len(found))
	for n, r := range found {
		all[n] = r.Identity
		all[n].CreatedAt, all[n].UsedAt = at(r.created), at(r.used)
	}
	return all, err
}

// UserByIdentity returns the person with an identity, who may be disabled, or ErrNoIdentity.
func (s *Store) UserByIdentity(ctx context.Context, issuer, subject string) (User, error) {
	return readIdentityUser(ctx, s.r, issuer, subject)
}

func readIdentityUser(ctx context.Context, from reader, issuer, subject string) (User, error) {
	u, err := readUser(ctx, from, sqlIdentityUser, []any{issuer, subject})
	if errors.Is(err, ErrNotFound) {
		err = ErrNoIdentity
	}
	return u, err
}

// Link lets a person sign in with an identity, and uses up what spends names. It does nothing if the identity is theirs
// already. Errors: ErrNotFound if the person doesn't exist or is disabled, ErrLinked, ErrSpent, and a *FieldError about
// identities if the person has too many.
func (s *Store) Link(ctx context.Context, userID string, i Identity, spends ...Once) error {
	return wrap("link an identity", s.write(ctx, func(ctx context.Context, t *transaction) error {
		for _, once := range spends {
			if err := spendOnce(ctx, t, once); err != nil {
				return err
			}
		}
		u, err := readUser(ctx, t, sqlUserByID, []any{userID})
		if err == nil && u.Disabled {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		switch owner, err := readIdentityUser(ctx, t, i.Issuer, i.Subject); {
		case err == nil && owner.ID == userID:
			return nil
		case err == nil:
			return ErrLinked
		case !errors.Is(err, ErrNoIdentity):
			return err
		}
		if err := linkIdentity(ctx, t, userID, i); err != nil {
			return err
		}
		return queueNotice(ctx, t, MailFactorAdded, userID, linkedNotice(i))
	}))
}

// linkedNotice is what an email about an identity tells its owner.
func linkedNotice(i Identity) MailDetails {
	return MailDetails{Factor: LinkedFactor, Label: i.Provider}
}

// linkIdentity adds an identity that nobody has.
func linkIdentity(ctx context.Context, t *transaction, userID string, i Identity) error {
	if !i.valid() {
		return errors.New("this identity can't be stored")
	}
	all, err := readIdentities(ctx, t, userID)
	if err != nil {
		return err
	}
	if len(all) >= maxIdentities {
		return &FieldError{Field: "identities", Code: TooMany, Limit: maxIdentities}
	}
	_, err = t.exec(ctx, sqlAddIdentity, i.Issuer, i.Subject, i.Provider, clip(i.Label, maxIdentityBy), userID, t.now)
	if err != nil {
		return err
	}
	return t.audit(ctx, IdentityLinked, TargetUser(userID), map[string]string{"provider": i.Provider})
}

// Unlink takes an identity from a person, by its ID. It ends the sessions that the same provider started, except the
// one with the ID keepSession, and takes back the role and the team that the provider gave. Errors: ErrNoIdentity,
// ErrLastWayIn.
func (s *Store) Unlink(ctx context.Context, userID, identityID, keepSession string, offered Ways) error {
	return wrap("unlink an identity", s.write(ctx, func(ctx context.Context, t *transaction) error {
		u, err := readUser(ctx, t, sqlUserByID, []any{userID})
		if err != nil {
			return err
		}
		all, err := readIdentities(ctx, t, userID)
		if err != nil {
			return err
		}
		n := slices.IndexFunc(all, func(i Identity) bool { return i.ID() == identityID })
		if n < 0 {
			return ErrNoIdentity
		}
		gone := all[n]
		if _, err := t.exec(ctx, sqlDropIdentity, gone.Issuer, gone.Subject); err != nil {
			return err
		}
		if _, err := endSessions(ctx, t, sqlEndOfProvider, userID, gone.Provider, keepSession); err != nil {
			return err
		}
		if _, err := applyGrants(ctx, t, u, gone.Provider, Grants{SetAdmin: true, SetTeam: true}); err != nil {
			return err
		}
		err = t.audit(ctx, IdentityUnlinked, TargetUser(userID), map[string]string{"provider": gone.Provider})
		if err != nil {
			return err
		}
		if err := wantWayIn(ctx, t, userID, offered); err != nil {
			return err
		}
		return queueNotice(ctx, t, MailFactorRemoved, userID, linkedNotice(gone))
	}))
}

// OnlyElsewhere returns how many people without a password have an identity at each provider, by its key. It reads all
// identities.
func (s *Store) OnlyElsewhere(ctx context.Context) (map[string]int, error) {
	type count struct {
		provider string
		people   int
	}
	rows, err := s.r.query(ctx, sqlOnlyElsewhere)
	if err != nil {
		return nil, wrap("count who signs in elsewhere", err)
	}
	found, err := collect(rows, func(c *count) []any { return []any{&c.provider, &c.people} })
	all := map[string]int{}
	for _, c := range found {
		all[c.provider] = c.people
	}
	return all, wrap("count who signs in elsewhere", err)
}

// ProviderLogout says which sessions a provider has ended: the one that it calls Session, or, if that is "", all
// sessions that it started for an identity.
type ProviderLogout struct {
	Provider        string // key
	Session         string
	Issuer, Subject string
}

// EndProviderSessions ends sessions that a provider started, and returns their number. It uses up once. Errors:
// ErrSpent.
func (s *Store) EndProviderSessions(ctx context.Context, out ProviderLogout, once Once) (n int, err error) {
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		if err := spendOnce(ctx, t, once); err != nil {
			return err
		}
		if out.Session != "" {
			n, err = leaveSessions(ctx, t, sqlLeaveProviders, sqlEndProviders, out.Provider, out.Session)
		} else {
			n, err = leaveSessions(ctx, t, sqlLeaveSubjects, sqlEndSubjects, out.Provider, out.Issuer, out.Subject)
		}
		return err
	})
	return n, wrap("end sessions of a provider", err)
}
