package handlers

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// The sections of the administration. They show accounts, never who is here or was: not when somebody signed in, was
// last seen or used a session, and nothing about statuses.
const (
	peopleSection      = "people"
	teamsSection       = "teams"
	invitationsSection = "invitations"
	settingsSection    = "settings"
	logSection         = "log"
)

// toAdmin redirects people who load the address of a form, and /admin itself.
func (s *Server) toAdmin(c echo.Context) error { return s.redirect(c, s.site.path("/admin/people")) }

// toAccount redirects people who load the address of a form about an account.
func (s *Server) toAccount(c echo.Context) error {
	return s.redirect(c, s.site.path("/admin/people/")+url.PathEscape(c.Param("name")))
}

// adminPage returns the parts that all pages of the administration share.
func (s *Server) adminPage(c echo.Context, section string) (ui.Admin, error) {
	p, _, err := s.countedPage(c, section)
	return p, err
}

// countedPage is adminPage with all counts.
func (s *Server) countedPage(c echo.Context, section string) (ui.Admin, accounts.UserCounts, error) {
	ctx := c.Request().Context()
	counts, err := s.cfg.Accounts.CountUsers(ctx)
	if err != nil {
		return ui.Admin{}, counts, unavailable(fmt.Errorf("administration: %w", err))
	}
	teams, err := s.cfg.Accounts.TeamNames(ctx, maxListedTeams)
	if err != nil {
		return ui.Admin{}, counts, unavailable(fmt.Errorf("administration: %w", err))
	}
	return ui.Admin{
		Layout: s.layout(c, ""), Section: section, Live: c.Request().Method != http.MethodPost,
		People: counts.All, Teams: len(teams), Invitations: counts.Invitations,
		Said: said(c),
	}, counts, nil
}

// maxListedTeams is the maximum number of teams that are counted.
const maxListedTeams = 1000

// said returns the confirmation that adminBack put into the address of the page. Anything else has no effect, such as a
// link that somebody else made to say that people were deleted.
func said(c echo.Context) string {
	done := c.QueryParam("done")
	n, mark, _ := strings.Cut(c.QueryParam("n"), ".")
	if done == "" || subtle.ConstantTimeCompare([]byte(mark), []byte(doneMark(c, done, n))) == 0 {
		return ""
	}
	number, _ := strconv.Atoi(n)
	return adminDone(done, number)
}

// doneMark returns what proves that this session was told done and n.
func doneMark(c echo.Context, done, n string) string {
	hash := hmac.New(sha256.New, []byte(signedIn(c).token))
	_, _ = io.WriteString(hash, done+" "+n)
	return base64.RawURLEncoding.EncodeToString(hash.Sum(nil)[:12])
}

// adminDone returns the confirmation for what was done to n people.
func adminDone(done string, n int) string {
	people := howMany(strconv.Itoa(n))
	switch done {
	case "nobody":
		return "Nobody was selected, so nothing was changed."
	case "team":
		return "Moved " + people + "."
	case "sessions":
		return "Ended all sessions of " + people + "."
	case "disabled":
		return "Disabled " + people + "."
	case "enabled":
		return "Enabled " + people + "."
	case "deleted":
		return "Deleted " + people + "."
	case "renamed-team":
		return "Renamed. It's the team of " + people + "."
	case "merged":
		return "Merged. Moved " + people + "."
	case "deleted-team":
		return "Deleted. It was the team of " + people + "."
	}
	return map[string]string{
		"paired": "These teams see each other now.", "unpaired": "These teams no longer see each other.",
		"factors": "Removed the passkeys, the authenticator app, and the recovery codes of this person, if there were any.",
		"saved":   "Saved.", "approved": "Approved.", "declined": "Declined.", "revoked": "Revoked.",
		"mailed": "An email with a link is on its way.", "invited": "An email with the invitation is on its way.",
		"admin": "This person is now an administrator.", "member": "This person is no longer an administrator.",
	}[done]
}

// adminBack redirects after a change to the page that the form names in next, or else to the path to, with a
// confirmation.
func (s *Server) adminBack(c echo.Context, next, to, done string, n int) error {
	if err := s.live.CatchUp(c.Request().Context()); err != nil { // the page shows the change a moment later
		s.log.Debug("a change isn't known yet", "err", err)
	}
	u := &url.URL{Path: s.site.path(to)}
	if wanted, err := url.Parse(s.site.next(next)); err == nil && strings.HasPrefix(wanted.Path, s.site.path("/admin/")) {
		u = wanted
	}
	q := u.Query()
	number := ""
	if n > 0 {
		number = strconv.Itoa(n)
	}
	q.Set("done", done)
	q.Set("n", number+"."+doneMark(c, done, number))
	u.RawQuery = q.Encode()
	return s.redirect(c, u.String())
}

// adminError explains err to whoever tried to do what.
func adminError(err error, what string) error {
	var known *failure
	if errors.As(err, &known) {
		return known
	}
	if f := accountFailure(err, what); f != nil {
		return f
	}
	return notSaved(fmt.Errorf("administration: %s: %w", what, err))
}

// cleanIDs returns those of ids that can be IDs, each once.
func cleanIDs(ids []string) (clean []string) {
	for _, id := range ids {
		if plainID(id) && !slices.Contains(clean, id) {
			clean = append(clean, id)
		}
	}
	return clean
}

// link returns the URL of one of our pages, for somebody to send to somebody else.
func (s *Server) link(c echo.Context, path, token string) string {
	return s.linkFor(c.Request().Host, path, token)
}

// linkFor is link for a request with a Host that checkHost knows.
func (s *Server) linkFor(host, path, token string) string {
	origin := s.site.origin
	if origin == "" {
		origin = "http://" + host
	}
	return origin + s.site.path(path) + token
}

// account returns u for a list.
func account(u accounts.ListedUser, viewerID string) ui.Account {
	return ui.Account{
		ID: u.ID, Username: u.Username, Name: u.DisplayName, Team: u.Team, Admin: u.Admin, Disabled: u.Disabled,
		Waiting: u.Waiting, Own: u.ID == viewerID,
	}
}

// listed returns the account that the path names by its username.
func (s *Server) listed(c echo.Context) (accounts.ListedUser, error) {
	ctx := c.Request().Context()
	user, err := s.cfg.Accounts.UserByName(ctx, c.Param("name"))
	if errors.Is(err, accounts.ErrNotFound) {
		return accounts.ListedUser{}, noAccount(err)
	}
	if err != nil {
		return accounts.ListedUser{}, unavailable(fmt.Errorf("account: %w", err))
	}
	return s.listedByID(ctx, user.ID)
}

func (s *Server) listedByID(ctx context.Context, id string) (accounts.ListedUser, error) {
	u, err := s.cfg.Accounts.ListedUser(ctx, id)
	switch {
	case errors.Is(err, accounts.ErrNotFound):
		return u, noAccount(err)
	case err != nil:
		return u, unavailable(fmt.Errorf("account: %w", err))
	}
	return u, nil
}

func noAccount(err error) *failure {
	return &failure{Status: http.StatusNotFound, Heading: "No such account",
		Message: "There is no account with this username. It may have been deleted.", Err: err}
}

// encodeAfter and decodeAfter put a position in a list into a URL. Positions have characters that proxies change.
func encodeAfter(after string) string { return base64.RawURLEncoding.EncodeToString([]byte(after)) }

func decodeAfter(cursor string) (string, error) {
	after, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || !utf8.Valid(after) || strings.Contains(string(after), "\x00") {
		return "", accounts.ErrCursor
	}
	return string(after), nil
}
