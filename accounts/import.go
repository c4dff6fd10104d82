package accounts

import (
	"context"
	"errors"
	"strconv"
)

// Imported is a user whom Import has added.
type Imported struct {
	ID        string
	ResetLink string // token of a link with which they choose a password, valid for ResetLinkAge; "": they have one
}

// CheckImport returns everything that Import would refuse, in the order of users. It hashes nothing and adds nobody.
func (s *Store) CheckImport(ctx context.Context, users []NewUser) (wrong []*ImportError, err error) {
	_, wrong, err = s.prepareAll(ctx, users)
	return wrong, err
}

// prepareAll checks users, including whether their names are free.
func (s *Store) prepareAll(ctx context.Context, users []NewUser) (rows []newRow, wrong []*ImportError, err error) {
	seen := map[string]bool{}
	for i, n := range users {
		r, bad := prepareUser(n)
		if r.username != "" {
			err := s.checkFree(ctx, r.username)
			if err != nil && !errors.Is(err, ErrTaken) {
				return nil, nil, err
			}
			if seen[r.username] {
				err = wrongField("username", Taken)
			}
			bad.add(err)
			seen[r.username] = true
		}
		if r.email != "" {
			err := wantFreeEmail(ctx, s.r, "", r.email)
			if seen[r.emailKey] && err == nil {
				err = wrongField("email", EmailTaken)
			}
			if bad.add(err); err != nil && len(WrongFields(err)) == 0 {
				return nil, nil, err
			}
			seen[r.emailKey] = true
		}
		if len(bad) > 0 {
			wrong = append(wrong, &ImportError{i, bad})
		}
		rows = append(rows, r)
	}
	return rows, wrong, nil
}

// Import adds all users, or none with an *ImportError about one of them. The workers of logins hash the passwords,
// about 40 per second each. Hashes are stored unchanged.
func (s *Store) Import(ctx context.Context, users []NewUser) ([]Imported, error) {
	rows, wrong, err := s.prepareAll(ctx, users)
	if err != nil {
		return nil, wrap("import", err)
	}
	if len(wrong) > 0 {
		return nil, wrong[0]
	}
	if err := s.hashAll(ctx, rows); err != nil {
		return nil, err
	}
	var all []Imported
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		all, err = importUsers(ctx, t, rows)
		return err
	})
	if errors.Is(err, ErrTaken) {
		for i, r := range rows { // find the one that was taken while the passwords were hashed
			if err := s.checkFree(ctx, r.username); err != nil {
				return nil, &ImportError{i, err}
			}
		}
	}
	if err != nil {
		return nil, wrap("import", err)
	}
	return all, nil
}

func importUsers(ctx context.Context, t *transaction, rows []newRow) ([]Imported, error) {
	ids, err := insertUsers(ctx, t, rows)
	if err != nil {
		return nil, err
	}
	all := make([]Imported, len(rows))
	for i, r := range rows {
		all[i].ID = ids[i]
		if !r.linked {
			continue
		}
		if all[i].ResetLink, err = addResetLink(ctx, t, ids[i]); err != nil {
			return nil, err
		}
	}
	return all, t.audit(ctx, PeopleImported, "", map[string]string{"people": strconv.Itoa(len(rows))})
}
