package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// maxEcho is the maximum number of typed runes that are put back into a form.
const maxEcho = 256

// typed holds the fields of a sign-in or sign-up form.
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

// loginPage shows the sign-in form. It redirects people who are signed in, and everybody while nobody has an account.
func (s *Server) loginPage(c echo.Context) error {
	next := s.site.next(c.QueryParam("next"))
	if signedIn(c) != nil {
		return s.redirect(c, next)
	}
	nothingToSay := c.QueryParam("deleted")+c.QueryParam("reset")+c.QueryParam("why") == ""
	if nothingToSay && s.toSetUp(c) {
		return s.redirect(c, s.site.path("/setup"))
	}
	page := ui.LoginPage{
		Layout: s.layout(c, ""), Next: s.nextField(next), Deleted: c.QueryParam("deleted") != "",
		Passkeys: s.passkeys != nil, Reset: c.QueryParam("reset") != "", Restored: c.QueryParam("restored") != "",
		Ended: s.endedWhy(c), Elsewhere: s.elsewhere(c, next),
	}
	page.SignedOut = s.justSignedOut(c) && page.Elsewhere.SignedOut.Href == "" // that part of the page says so, too
	return s.page(c, http.StatusOK, page)
}

// signedOutAge is the maximum time that a browser remembers that somebody has signed out, until the sign-in page says
// so.
const signedOutAge = time.Minute

// justSignedOut reports, once, whether somebody has just signed out in this browser. It uses a cookie, so that a link
// can't make the page say so. Other tabs of that person come here with a reason, and leave the message to the tab in
// which the person signed out.
func (s *Server) justSignedOut(c echo.Context) bool {
	if c.QueryParam("why") != "" || len(cookieValues(c.Request(), s.site.signedOut)) == 0 {
		return false
	}
	s.dropCookie(c, s.site.signedOut)
	return true
}

// endedWhy returns why the session of this browser ended. It returns "" if the browser has no session cookie, because
// it never signed in or signed out itself. So a link can't make the page show a message to strangers.
func (s *Server) endedWhy(c echo.Context) string {
	if len(cookieValues(c.Request(), s.site.cookie)) == 0 {
		return ""
	}
	return cmp.Or(c.QueryParam("why"), endedSession)
}

// login signs a person in. A wrong password and an unknown name get the same response after the same work. Only the
// right password of a disabled account gets a different one.
func (s *Server) login(c echo.Context) error {
	t, err := s.readTyped(c)
	if err != nil {
		return err
	}
	refuse := func(f *failure) error {
		return s.form(c, f, ui.LoginPage{Layout: s.layout(c, ""), Username: echoed(t.username), Next: s.nextField(t.next),
			Message: f.Message, Passkeys: s.passkeys != nil, Elsewhere: s.elsewhere(c, t.next)})
	}
	if t.username == "" || t.password == "" {
		return refuse(&failure{Status: http.StatusUnprocessableEntity, Message: "Type your username and your password."})
	}
	var user accounts.Authenticated
	err = s.attempt(c, t.username, t.password, func(ctx context.Context) (err error) {
		user, err = s.cfg.Accounts.Authenticate(ctx, t.username, t.password)
		return err
	})
	if err != nil {
		f := accountFailure(s.whyDisabled(c, t.username, err), "sign in")
		if f == nil {
			return unavailable(fmt.Errorf("sign in: %w", err))
		}
		return refuse(f)
	}
	return s.signIn(c, user, t.next)
}

// whyDisabled returns a better error than ErrDisabled for an account that waits for approval. Only those who know its
// password get either.
func (s *Server) whyDisabled(c echo.Context, username string, err error) error {
	if !errors.Is(err, accounts.ErrDisabled) {
		return err
	}
	ctx := c.Request().Context()
	u, lookup := s.cfg.Accounts.UserByName(ctx, username)
	if lookup != nil {
		return err
	}
	if waits, lookup := s.cfg.Accounts.IsWaiting(ctx, u.ID); lookup != nil || !waits {
		return err
	}
	return &failure{Status: http.StatusForbidden, Err: err,
		Message: "An administrator still has to approve your account. You can sign in as soon as that's done."}
}

// attempt runs try, which checks a password for username, within the limits. The limits are reserved before the
// password is hashed. A password that nobody can have is wrong and doesn't count.
func (s *Server) attempt(c echo.Context, username, password string, try func(context.Context) error) error {
	if !accounts.PossiblePassword(password) {
		return accounts.ErrCredentials
	}
	ctx := c.Request().Context()
	var asFailure, asSuccess reservation
	err := s.reserve(ctx, &asFailure, &asSuccess, c.Request(), username)
	if err == nil {
		err = try(ctx)
	}
	settle(ctx, err, &asFailure, &asSuccess)
	return err
}

// settle keeps one of two reservations after an attempt that ended with err: the failure if the password was wrong, or
// the success if it was right, even if the account is disabled. It keeps neither if the password wasn't checked.
func settle(ctx context.Context, err error, asFailure, asSuccess *reservation) {
	switch {
	case err == nil, errors.Is(err, accounts.ErrDisabled):
		asFailure.giveBack(ctx)
	case errors.Is(err, accounts.ErrCredentials), errors.Is(err, context.Canceled):
		asSuccess.giveBack(ctx)
	default:
		asFailure.giveBack(ctx)
		asSuccess.giveBack(ctx)
	}
}

// reserve reserves an attempt to sign in as username, both as a failure and as a success. An invalid name counts like
// one that doesn't exist. The counters belong to a name and its current password: a new password resets them, so that
// its owner can sign in at once.
func (s *Server) reserve(ctx context.Context, asFailure, asSuccess *reservation, r *http.Request, username string) error {
	name, err := accounts.FoldUsername(username)
	if err != nil {
		name = strings.ToLower(username)
	}
	token, known, fingerprint, err := s.browserOf(r, username)
	if err != nil {
		return err
	}
	account, networks := name+"\x00"+fingerprint, s.addresses.networks(r)
	if known {
		err = s.takeKnown(ctx, asFailure, account, token)
	} else {
		err = s.takeStranger(ctx, asFailure, account, networks)
	}
	if err == nil {
		err = asSuccess.take(ctx, s.limiters.Members, hashKey("login:successes:", account), successesPerName, loginWindow)
	}
	if err == nil {
		limit := successesShare * s.cfg.Limits.Logins
		err = asSuccess.takeNetworks(ctx, s.limiters.Strangers, "login:successes:", networks, limit, loginWindow)
	}
	return err
}

// takeStranger reserves a failure for the address and for the account.
func (s *Server) takeStranger(ctx context.Context, asFailure *reservation, account string, networks []network) error {
	if err := asFailure.takeNetworks(ctx, s.limiters.Strangers, "login:address:", networks, s.cfg.Limits.Logins,
		loginWindow); err != nil {
		return err
	}
	return asFailure.take(ctx, s.limiters.Strangers, hashKey("login:name:", account), failuresPerName, loginWindow)
}

// takeKnown reserves a failure for a browser in which the owner of the account has signed in before. Its separate
// counter keeps guessers from locking out the owner. A browser's token changes with each sign-in, including those of
// other people who share the browser, so all known browsers together have a limit, too.
func (s *Server) takeKnown(ctx context.Context, asFailure *reservation, account, token string) error {
	if err := asFailure.take(ctx, s.limiters.Browsers, hashKey("login:browser:", account+"\x00"+token), failuresPerName,
		loginWindow); err != nil {
		return err
	}
	return asFailure.take(ctx, s.limiters.Browsers, hashKey("login:browsers-of:", account), failuresOfBrowsers, loginWindow)
}

// attemptOwn runs try, which checks the password of the person who is signed in. It counts failures by session, so that
// guesses by strangers don't lock members out of their own settings. It counts successes by account, because each one
// costs hashes.
func (s *Server) attemptOwn(c echo.Context, password string, try func(context.Context) error) error {
	if password != "" && !accounts.PossiblePassword(password) {
		return accounts.ErrCredentials
	}
	ctx, v := c.Request().Context(), signedIn(c)
	var asFailure, asSuccess reservation
	err := asFailure.take(ctx, s.limiters.Members, "password:"+v.session.ID, failuresPerName, loginWindow)
	if err == nil {
		err = asSuccess.take(ctx, s.limiters.Members, "password:successes:"+v.user.ID, successesPerName, loginWindow)
	}
	if err == nil {
		err = try(ctx)
	}
	settle(ctx, err, &asFailure, &asSuccess)
	return err
}

// browserOf reports whether the owner of username has signed in with the browser before. It returns the token that
// proves it, and the fingerprint of the account's password.
func (s *Server) browserOf(r *http.Request, username string) (token string, known bool, fingerprint string, err error) {
	tokens := cookieValues(r, s.site.known)
	if len(tokens) == 0 {
		tokens = []string{""}
	}
	for _, token = range tokens {
		if known, fingerprint, err = s.cfg.Accounts.KnownBrowser(r.Context(), username, token); err != nil || known {
			return token, known, fingerprint, err
		}
	}
	return "", false, fingerprint, nil
}

// signIn starts a session for somebody who gave the right password, and redirects to next. If they have an
// authenticator app, it asks for a code instead.
func (s *Server) signIn(c echo.Context, user accounts.Authenticated, next string) error {
	err := s.startSession(c, user.User, accounts.SignIn{PasswordWas: user.PasswordWas})
	switch {
	case errors.Is(err, accounts.ErrSecondFactor):
		return s.askCode(c, user, next)
	case errors.Is(err, accounts.ErrCredentials): // the password was changed while it was checked
		return s.restartLogin(c, accountChanged)
	case err != nil:
		return err
	}
	return s.redirect(c, next)
}

// startSession starts a session, ends the browser's old one, and remembers the browser. x says how the person signs in.
// Errors that aren't a *failure are those of accounts.Store.StartSession about what was used.
func (s *Server) startSession(c echo.Context, user accounts.User, x accounts.SignIn) error {
	actAs(c, accounts.ByUser(user.ID))
	r := c.Request()
	x.UserID, x.UserAgent, x.Address = user.ID, r.UserAgent(), from(s.addresses.of(r))
	if v := signedIn(c); v != nil {
		x.Replaces = v.token
	}
	s.fromBrowser(r, user.Username, &x)
	token, session, err := s.cfg.Accounts.StartSession(r.Context(), x)
	switch {
	case errors.Is(err, accounts.ErrNotFound): // disabled or deleted since the password was checked
		return disabledAccount(accounts.ErrDisabled)
	case isUsed(err):
		return err
	case err != nil:
		return notSaved(fmt.Errorf("start session: %w", err))
	}
	s.enter(c, user, session, token)
	return nil
}

// enter gives the browser its new session.
func (s *Server) enter(c echo.Context, user accounts.User, session accounts.Session, token string) {
	actAs(c, accounts.ByUser(user.ID))
	s.setCookie(c, s.site.cookie, token, session.ExpiresAt.Sub(session.CreatedAt))
	s.rememberBrowser(c, user, session)
	c.Set(principalKey, &principal{user, session, token})
}

// isUsed reports whether err is about what somebody used to prove who they are.
func isUsed(err error) bool {
	for _, known := range []error{accounts.ErrSecondFactor, accounts.ErrCodeUsed, accounts.ErrNoPasskey, accounts.ErrSpent,
		accounts.ErrCredentials} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// rememberBrowser marks this browser as one in which the owner of the account has signed in, with session. If that
// fails, the browser is just unknown next time.
func (s *Server) rememberBrowser(c echo.Context, user accounts.User, session accounts.Session) {
	r := c.Request()
	had, _, _, err := s.browserOf(r, user.Username)
	var known string
	if err == nil {
		if tokens := cookieValues(r, s.site.known); had == "" && len(tokens) > 0 {
			had = tokens[0] // perhaps of somebody else who shares the browser
		}
		if session.Unnoticed {
			known, err = s.cfg.Accounts.RememberNewBrowser(r.Context(), user.ID, had, session.ID)
		} else {
			known, err = s.cfg.Accounts.RememberBrowser(r.Context(), user.ID, had)
		}
	}
	if err != nil {
		s.log.Warn("browser not remembered", "user", user.ID, "err", err, "request", requestID(c))
		return
	}
	s.setCookie(c, s.site.known, known, knownCookieAge)
}

// logout ends the session. Its sockets are closed when the change reaches sockets.applyUpdate. Somebody who opened the
// link of another account comes back to it.
func (s *Server) logout(c echo.Context) error {
	to := s.site.path("/login")
	if fields, err := readForm(c.Request()); err == nil {
		if next := s.site.next(fields.Get("next")); strings.HasPrefix(next, s.site.path("/reset/")) {
			to = next
		}
	}
	if v := signedIn(c); v != nil {
		if v.session.Provider != "" && to == s.site.path("/login") {
			to += "?out=" + url.QueryEscape(v.session.Provider)
		}
		err := s.cfg.Accounts.EndSession(c.Request().Context(), v.session.ID)
		if err != nil && !errors.Is(err, accounts.ErrNoSession) {
			return notSaved(fmt.Errorf("end session: %w", err))
		}
	}
	s.dropCookie(c, s.site.cookie)
	if strings.HasPrefix(to, s.site.path("/login")) {
		s.setCookie(c, s.site.signedOut, "1", signedOutAge)
	}
	return s.redirect(c, to)
}

// form shows a form again, with its errors. A program that asked for JSON gets the failure as JSON.
func (s *Server) form(c echo.Context, f *failure, p ui.Page) error {
	if wantsProblem(c.Request()) {
		return f
	}
	s.logFailure(f, c)
	setRetryAfter(c, f)
	return s.page(c, f.Status, p)
}

func disabledAccount(err error) *failure {
	return &failure{Status: http.StatusForbidden, Err: err,
		Message: "This account is disabled. Ask an administrator to enable it."}
}

// nextField returns the next field of a form: "" for the board, which is the default.
func (s *Server) nextField(next string) string {
	if next == s.site.path("/") {
		return ""
	}
	return next
}

// tooMany returns a failure whose message says when to try again.
func tooMany(what string, over *limited) *failure {
	wait := "a minute"
	if minutes := int((over.retryAfter + time.Minute - 1) / time.Minute); minutes > 1 {
		wait = fmt.Sprintf("%d minutes", minutes)
	}
	return &failure{Status: http.StatusTooManyRequests, RetryAfter: over.retryAfter,
		Message: fmt.Sprintf("Too many attempts to %s. Try again in %s.", what, wait)}
}

// echoed returns typed text in a form that can be put back into its field.
func echoed(text string) string { return echoedUpTo(text, maxEcho) }

func echoedUpTo(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if utf8.RuneCountInString(text) > limit {
		text = string([]rune(text)[:limit])
	}
	return text
}
