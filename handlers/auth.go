package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// maxEcho is how many runes of what was typed are put back into the form.
const maxEcho = 256

// typed is what came with a form.
type typed struct {
	username, displayName, password, next string
}

func (s *Server) readTyped(c echo.Context) (typed, error) {
	fields, err := readForm(c.Request())
	if err != nil {
		return typed{}, err
	}
	return typed{
		username:    strings.TrimSpace(fields.Get("username")),
		displayName: strings.TrimSpace(fields.Get("display_name")),
		password:    fields.Get("password"),
		next:        s.site.next(fields.Get("next")),
	}, nil
}

// loginPage shows the sign-in form, or the board to those who need none.
func (s *Server) loginPage(c echo.Context) error {
	next := s.site.next(c.QueryParam("next"))
	if signedIn(c) != nil {
		return s.redirect(c, next)
	}
	return s.page(c, http.StatusOK, ui.LoginPage{
		Layout: s.layout(c, ""), Next: s.nextField(next), Deleted: c.QueryParam("deleted") != "",
	})
}

// login signs a person in. A wrong password, an unknown name and a disabled account get the same answer after the
// same work.
func (s *Server) login(c echo.Context) error {
	t, err := s.readTyped(c)
	if err != nil {
		return err
	}
	refuse := func(f *failure) error {
		return s.form(c, f, ui.LoginPage{Layout: s.layout(c, ""), Username: echoed(t.username), Next: s.nextField(t.next), Message: f.Message})
	}
	if t.username == "" || t.password == "" {
		return refuse(&failure{Status: http.StatusUnprocessableEntity, Message: "Type your username and your password."})
	}
	var user accounts.User
	err = s.attempt(c, t.username, func(ctx context.Context) (err error) {
		user, err = s.cfg.Accounts.Authenticate(ctx, t.username, t.password)
		return err
	})
	var over *limited
	switch {
	case errors.As(err, &over):
		return refuse(tooMany("sign in", over))
	case errors.Is(err, accounts.ErrCredentials):
		return refuse(&failure{Status: http.StatusUnprocessableEntity, Message: "That username and password do not belong together."})
	case errors.Is(err, accounts.ErrBusy):
		return refuse(busy(err))
	case err != nil:
		return unavailable(fmt.Errorf("sign in: %w", err))
	}
	return s.signIn(c, user, t.next)
}

// attempt runs try, which checks a password of username's, within the limits. They are reserved before the password is
// hashed, and what is reserved counts unless the password was right or was not tried at all.
func (s *Server) attempt(c echo.Context, username string, try func(context.Context) error) error {
	ctx := c.Request().Context()
	held := reservation{limiter: s.limiter}
	err := s.takeAttempt(ctx, &held, c.Request(), username)
	if err == nil {
		err = try(ctx)
	}
	if !errors.Is(err, accounts.ErrCredentials) && !errors.Is(err, context.Canceled) {
		held.giveBack(ctx)
	}
	return err
}

// takeAttempt reserves a failure of the address and of the name.
func (s *Server) takeAttempt(ctx context.Context, held *reservation, r *http.Request, username string) error {
	address := s.addresses.prefix(r).String()
	if err := held.take(ctx, "login:address:"+address, s.cfg.Limits.Logins, failureWindow); err != nil {
		return err
	}
	return s.takeName(ctx, held, r, username)
}

// takeName reserves a failure for username: of the name, or of the browser when its owner has signed in with it
// before. So somebody who keeps guessing locks out other guessers, and not the owner. A browser's token changes with
// each sign-in, also of somebody else who shares it, so all known browsers together have a limit, too.
func (s *Server) takeName(ctx context.Context, held *reservation, r *http.Request, username string) error {
	name, err := accounts.FoldUsername(username)
	if err != nil { // no such name can exist; it counts like one that does not
		name = strings.ToLower(username)
	}
	token, err := s.knownBrowser(r, username)
	switch {
	case err != nil:
		return err
	case token == "":
		return held.take(ctx, hashKey("login:name:", name), failuresPerName, failureWindow)
	}
	if err := held.take(ctx, hashKey("login:browser:", token), failuresPerName, failureWindow); err != nil {
		return err
	}
	return held.take(ctx, hashKey("login:browsers-of:", name), failuresOfBrowsers, failureWindow)
}

// knownBrowser is the token by which the browser is one that username has signed in with; "": it isn't.
func (s *Server) knownBrowser(r *http.Request, username string) (string, error) {
	for _, token := range cookieValues(r, s.site.known) {
		if known, err := s.cfg.Accounts.KnownBrowser(r.Context(), username, token); err != nil || known {
			return token, err
		}
	}
	return "", nil
}

// signIn starts a session, ends the one this browser had, and goes on to next.
func (s *Server) signIn(c echo.Context, user accounts.User, next string) error {
	r, replaces := c.Request(), ""
	if v := signedIn(c); v != nil {
		replaces = v.token
	}
	token, session, err := s.cfg.Accounts.StartSession(r.Context(), user.ID, r.UserAgent(), s.addresses.of(r).String(), replaces)
	switch {
	case errors.Is(err, accounts.ErrNotFound): // disabled or deleted since the password was checked
		return &failure{Status: http.StatusForbidden, Message: "This account cannot sign in any more.", Err: err}
	case err != nil:
		return notSaved(fmt.Errorf("start session: %w", err))
	}
	s.setCookie(c, s.site.cookie, token, sessionCookieAge)
	s.rememberBrowser(c, user)
	c.Set(viewerKey, &viewer{user, session, token})
	return s.redirect(c, next)
}

// rememberBrowser makes this browser one in which its owner has given the right password. When that fails it is only
// not known next time.
func (s *Server) rememberBrowser(c echo.Context, user accounts.User) {
	r := c.Request()
	had, err := s.knownBrowser(r, user.Username)
	var known string
	if err == nil {
		if tokens := cookieValues(r, s.site.known); had == "" && len(tokens) > 0 {
			had = tokens[0] // known by somebody else who shares the browser, perhaps
		}
		known, err = s.cfg.Accounts.RememberBrowser(r.Context(), user.ID, had)
	}
	if err != nil {
		s.log.Warn("browser not remembered", "user", user.ID, "err", err, "request", requestID(c))
		return
	}
	s.setCookie(c, s.site.known, known, knownCookieAge)
}

// logout ends the session. The sockets it had are closed by whoever follows the changes of accounts.
func (s *Server) logout(c echo.Context) error {
	if v := signedIn(c); v != nil {
		err := s.cfg.Accounts.EndSession(c.Request().Context(), v.session.ID)
		if err != nil && !errors.Is(err, accounts.ErrNoSession) {
			return notSaved(fmt.Errorf("end session: %w", err))
		}
	}
	s.dropCookie(c, s.site.cookie)
	return s.redirect(c, s.site.path("/login"))
}

// form shows a form again with what is wrong. A program that asked for JSON gets the failure itself.
func (s *Server) form(c echo.Context, f *failure, p ui.Page) error {
	if wantsProblem(c.Request()) {
		return f
	}
	s.logFailure(f, c)
	setRetryAfter(c, f)
	return s.page(c, f.Status, p)
}

// nextField is what a form carries on: nothing for the board, where everybody lands anyway.
func (s *Server) nextField(next string) string {
	if next == s.site.path("/") {
		return ""
	}
	return next
}

// tooMany says when to try again, in words.
func tooMany(what string, over *limited) *failure {
	wait := "a minute"
	if minutes := int((over.retryAfter + time.Minute - 1) / time.Minute); minutes > 1 {
		wait = fmt.Sprintf("%d minutes", minutes)
	}
	return &failure{Status: http.StatusTooManyRequests, RetryAfter: over.retryAfter,
		Message: fmt.Sprintf("Too many attempts to %s. Try again in %s.", what, wait)}
}

// echoed is what was typed, fit to stand in the form again.
func echoed(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if utf8.RuneCountInString(text) > maxEcho {
		text = string([]rune(text)[:maxEcho])
	}
	return text
}
