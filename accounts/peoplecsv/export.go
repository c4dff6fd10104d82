package peoplecsv

import (
	"context"
	"io"
	"time"

	"rollcall/accounts"
)

// Export writes all accounts by username, as a list that Read accepts. It has nothing that tells when people were here,
// and no passwords.
func Export(ctx context.Context, store *accounts.Store, out io.Writer) error {
	emails, err := store.Emails(ctx)
	if err != nil {
		return err
	}
	return Write(out, func(yield func([]string) error) error {
		if err := yield([]string{"username", "display_name", "team", "role", "status", "created", "email"}); err != nil {
			return err
		}
		q := accounts.UserQuery{Order: accounts.ByUsername, Limit: accounts.MaxPage}
		for more := true; more; more = q.After != "" {
			page, err := store.ListUsers(ctx, q)
			if err != nil {
				return err
			}
			for _, u := range page.Users {
				if err := yield(exported(u, emails[u.ID])); err != nil {
					return err
				}
			}
			q.After = page.Next
		}
		return nil
	})
}

func exported(u accounts.ListedUser, email string) []string {
	role, status := "member", ""
	if u.Admin {
		role = "administrator"
	}
	switch {
	case u.Waiting:
		status = "waiting"
	case u.Disabled:
		status = "disabled"
	}
	return []string{u.Username, u.DisplayName, u.Team, role, status, u.CreatedAt.UTC().Format(time.DateOnly), email}
}
