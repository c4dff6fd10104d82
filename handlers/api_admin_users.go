package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"rollcall/accounts"
)

// accountJSON is an account as administrators see it. It has nothing that tells when its person is or was here.
type accountJSON struct {
	ID        string        `json:"id"`
	User      string        `json:"user"`
	Name      string        `json:"name"`
	Team      string        `json:"team,omitempty"`
	Email     *string       `json:"email,omitempty"` // only of a single account; "": none
	Admin     bool          `json:"admin"`
	Disabled  bool          `json:"disabled"`
	Waiting   bool          `json:"waiting,omitempty"` // for approval
	Note      string        `json:"note,omitempty"`    // of somebody who waits, to the administrator who approves
	Linked    *[]linkedJSON `json:"linked,omitempty"`  // only of a single account
	CreatedAt time.Time     `json:"created_at"`
	ResetURL  string        `json:"reset_url,omitempty"` // to choose a password; only in the reply that made an account without one
}

// linkedJSON is an account elsewhere with which somebody signs in. It doesn't say when, nor what they're called there.
type linkedJSON struct {
	ID       string `json:"id"`
	Provider string `json:"provider"` // its key
}

func accountOf(u accounts.ListedUser) accountJSON {
	return accountJSON{ID: u.ID, User: u.Username, Name: u.DisplayName, Team: u.Team, Admin: u.Admin, Disabled: u.Disabled,
		Waiting: u.Waiting, CreatedAt: u.CreatedAt}
}

type accountsJSON struct {
	Users []accountJSON `json:"users"`
	Next  string        `json:"next,omitempty"`
}

// apiAccounts lists accounts, page by page.
func (s *Server) apiAccounts(ctx context.Context, x *call) (reply, error) {
	v := x.URL.Query()
	limit, err := limitOf(v, pageUsers, accounts.MaxPage)
	if err != nil {
		return reply{}, err
	}
	_, q, err := adminQuery(url.Values{"q": v["q"], "show": v["show"], "sort": v["sort"], "team": v["team"], "after": v["cursor"]})
	if errors.Is(err, accounts.ErrCursor) {
		return reply{}, badCursor(err)
	}
	if err != nil {
		return reply{}, err
	}
	q.Limit = limit
	page, err := s.cfg.Accounts.ListUsers(ctx, q)
	if errors.Is(err, accounts.ErrCursor) {
		return reply{}, badCursor(err)
	}
	if err != nil {
		return reply{}, notRead(fmt.Errorf("list accounts: %w", err))
	}
	list := accountsJSON{Users: []accountJSON{}}
	for _, u := range page.Users {
		list.Users = append(list.Users, accountOf(u))
	}
	var header http.Header
	if page.Next != "" {
		list.Next = encodeAfter(page.Next)
		v.Set("cursor", list.Next)
		header = s.nextLink("/admin/users", v)
	}
	r := ok(list)
	r.header = header
	return r, nil
}

// accountNamed returns the account that the path names.
func (s *Server) accountNamed(ctx context.Context, x *call) (accounts.ListedUser, error) {
	user, err := s.cfg.Accounts.UserByName(ctx, x.params["name"])
	switch {
	case errors.Is(err, accounts.ErrNotFound):
		return accounts.ListedUser{}, noAccount(err)
	case err != nil:
		return accounts.ListedUser{}, notRead(fmt.Errorf("account: %w", err))
	}
	return s.listedByID(ctx, user.ID)
}

// apiAccount answers with one account.
func (s *Server) apiAccount(ctx context.Context, x *call) (reply, error) {
	u, err := s.accountNamed(ctx, x)
	if err != nil {
		return reply{}, err
	}
	return s.accountReply(ctx, u)
}

func (s *Server) accountReply(ctx context.Context, u accounts.ListedUser) (reply, error) {
	email, err := s.cfg.Accounts.Email(ctx, u.ID)
	if err != nil {
		return reply{}, notRead(fmt.Errorf("account: %w", err))
	}
	linked, err := s.cfg.Accounts.Identities(ctx, u.ID)
	if err != nil {
		return reply{}, notRead(fmt.Errorf("account: %w", err))
	}
	body := accountOf(u)
	body.Email, body.Linked = &email, &[]linkedJSON{}
	for _, i := range linked {
		*body.Linked = append(*body.Linked, linkedJSON{i.ID(), i.Provider})
	}
	return ok(body), nil
}

// accountInput is a new account. Without a password, its person needs a link to choose one.
type accountInput struct {
	User     string `json:"user"`
	Name     string `json:"name"`
	Team     string `json:"team"`
	Email    string `json:"email"`
	Password string `json:"password"`
	Admin    bool   `json:"admin"`
}

// apiCreateAccount makes an account.
func (s *Server) apiCreateAccount(ctx context.Context, x *call) (reply, error) {
	in, err := decode[accountInput](x.Request)
	if err != nil {
		return reply{}, err
	}
	n := accounts.NewUser{Username: in.User, DisplayName: in.Name, Team: in.Team, Email: in.Email, Password: in.Password,
		NoPassword: in.Password == "", Admin: in.Admin}
	made, err := s.addAccount(ctx, n)
	if err != nil {
		return reply{}, changeFailure(renamedFields(err), "create an account")
	}
	u, err := s.listedByID(ctx, made.ID)
	if err != nil {
		return reply{}, err
	}
	body := accountOf(u)
	if body.Email = &in.Email; made.ResetLink != "" {
		body.ResetURL = s.linkFor(x.Host, "/reset/", made.ResetLink)
	}
	return s.created("/admin/users/"+u.Username, body), nil
}

// addAccount makes an account, with a link for a person without a password.
func (s *Server) addAccount(ctx context.Context, n accounts.NewUser) (made accounts.Imported, err error) {
	if !n.NoPassword {
		user, err := s.cfg.Accounts.Create(ctx, n)
		return accounts.Imported{ID: user.ID}, err
	}
	all, err := s.cfg.Accounts.Import(ctx, []accounts.NewUser{n})
	if err != nil {
		return made, err
	}
	return all[0], nil
}

// renamedFields gives fields their names in the API.
func renamedFields(err error) error {
	wrong := accounts.WrongFields(err)
	if wrong == nil {
		return err
	}
	renamed := make(accounts.FieldErrors, len(wrong))
	for i, e := range wrong {
		e := *e
		switch e.Field {
		case "username":
			e.Field = "user"
		case "display_name", "label":
			e.Field = "name"
		}
		renamed[i] = &e
	}
	return renamed
}

// accountPatch is what to change about an account.
type accountPatch struct {
	Name     optional[string] `json:"name"`
	Team     optional[string] `json:"team"`
	Email    optional[string] `json:"email"`
	Admin    optional[bool]   `json:"admin"`
	Disabled optional[bool]   `json:"disabled"`
}

// pointer returns the value if it's there, and the zero value for null.
func (o optional[T]) pointer() *T {
	if !o.Set {
		return nil
	}
	return &o.Value
}

// apiPatchAccount changes an account, all of it or nothing.
func (s *Server) apiPatchAccount(ctx context.Context, x *call) (reply, error) {
	in, err := decode[accountPatch](x.Request)
	if err != nil {
		return reply{}, err
	}
	u, err := s.accountNamed(ctx, x)
	if err != nil {
		return reply{}, err
	}
	if u.ID == x.caller.user.ID && (in.Admin.Set || in.Disabled.Set) {
		return reply{}, notOwn()
	}
	err = s.cfg.Accounts.ChangeUser(ctx, u.ID, accounts.UserChange{DisplayName: in.Name.pointer(), Team: in.Team.pointer(),
		Email: in.Email.pointer(), Admin: in.Admin.pointer(), Disabled: in.Disabled.pointer()})
	if err != nil {
		return reply{}, changeFailure(renamedFields(err), "change this account")
	}
	if u, err = s.listedByID(ctx, u.ID); err != nil {
		return reply{}, err
	}
	return s.accountReply(ctx, u)
}

// onOtherAccount runs change for the account that the path names, unless it's the caller's own.
func (s *Server) onOtherAccount(ctx context.Context, x *call, what string, change func(id string) error) (reply, error) {
	u, err := s.accountNamed(ctx, x)
	switch {
	case err != nil:
		return reply{}, err
	case u.ID == x.caller.user.ID:
		return reply{}, notOwn()
	}
	if err := change(u.ID); err != nil {
		return reply{}, changeFailure(err, what)
	}
	return none(), nil
}

// apiDeleteAccount deletes an account for good.
func (s *Server) apiDeleteAccount(ctx context.Context, x *call) (reply, error) {
	return s.onOtherAccount(ctx, x, "delete this account", func(id string) error { return s.cfg.Accounts.Delete(ctx, id) })
}
