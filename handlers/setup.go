package handlers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/live"
	"rollcall/ui"
)

// failuresOfSetup is how many wrong setup codes an address may try within loginWindow.
const failuresOfSetup = 10

// AsksSetupCode reports whether those who set up the board have to prove that the server is theirs. Otherwise, only
// this machine can open it, and everybody there may sign up anyway.
func (c *Config) AsksSetupCode() bool {
	signUp := c.Fixed.Or(c.Stored).Or(c.defaults()).SignUp
	return !c.onlyHere() || len(c.TrustedProxies) > 0 || signUp != accounts.SignUpOpen
}

// onlyHere reports whether the board is for this machine only, as far as the configuration says.
func (c *Config) onlyHere() bool { return c.Loopback && c.PublicURL == nil }

// throughProxy reports whether a request to a board that is for this machine only was forwarded by a proxy, which the
// operator didn't mention. Then it can come from anybody. The headers of the proxy tell, or the name by which its
// client calls the board. A proxy that sends neither can't be told from a browser on this machine.
func (s *Server) throughProxy(r *http.Request) bool {
	if !s.cfg.onlyHere() || len(s.cfg.TrustedProxies) > 0 {
		return false
	}
	for _, name := range slices.Concat(forwardingHeaders, proxyHeaders) {
		if len(r.Header[name]) > 0 {
			return true
		}
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		from, err := url.Parse(origin)
		if err != nil || !isLoopback(from.Hostname()) {
			return true
		}
	}
	return !isLoopback(hostName(r.Host))
}

// refuseProxy returns the failure for those who would set up a board through a proxy that the operator didn't mention.
func (s *Server) refuseProxy(r *http.Request) error {
	if !s.throughProxy(r) {
		return nil
	}
	return &failure{Status: http.StatusForbidden, Heading: "Set the public URL first",
		Message: "You reach this board through a proxy, but it was started for its own machine only. Restart it with " +
			"--public-url and the address in your browser, and with --trusted-proxies. Then it prints a setup code."}
}

// canSetUp reports whether somebody can set up the board. With a setup code, that's while it has no administrator, so
// that people who signed up earlier can't prevent it.
func (s *Server) canSetUp(ctx context.Context) (bool, error) {
	if s.cfg.AsksSetupCode() {
		has, err := s.cfg.Accounts.AnyAdmin(ctx)
		return err == nil && !has, err
	}
	return s.cfg.Accounts.Empty(ctx)
}

// toSetUp reports whether visitors have to set up the board first. If that can't be read, they see the page that they
// asked for.
func (s *Server) toSetUp(c echo.Context) bool {
	empty, err := s.cfg.Accounts.Empty(c.Request().Context())
	return err == nil && empty
}

// setupPage shows the form for a board without an administrator. Later, it redirects to the board.
func (s *Server) setupPage(c echo.Context) error {
	ctx := c.Request().Context()
	can, err := s.canSetUp(ctx)
	switch {
	case err != nil:
		return unavailable(fmt.Errorf("set-up page: %w", err))
	case !can:
		return s.redirect(c, s.site.path("/"))
	}
	if err := s.refuseProxy(c.Request()); err != nil {
		return err
	}
	p := s.setupForm(c)
	if p.AskCode {
		has, err := s.cfg.Accounts.HasSetupCode(ctx)
		if err != nil {
			return unavailable(fmt.Errorf("set-up page: %w", err))
		}
		if !has { // it has expired, or the last administrator went while the server ran
			p.Message = "There's no setup code, or it has expired. Restart Rollcall: it prints a new one when it starts."
		}
	}
	return s.page(c, http.StatusOK, p)
}

func (s *Server) setupForm(c echo.Context) ui.SetupPage {
	return ui.SetupPage{Layout: s.layout(c, ""), AskCode: s.cfg.AsksSetupCode(), AskName: s.cfg.Fixed.BoardName == ""}
}

// setUp creates the first account, names the board, and signs the person in.
func (s *Server) setUp(c echo.Context) error {
	fields, err := readForm(c.Request())
	if err != nil {
		return err
	}
	user, err := s.createFirst(c, fields)
	if err == nil {
		if err := s.live.CatchUp(c.Request().Context()); err != nil { // the name appears a moment later
			s.log.Debug("the name of the board isn't known yet", "err", err)
		}
		return s.signIn(c, accounts.Authenticated{User: user}, s.site.path("/"))
	}
	var refused *failure
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, accounts.ErrSetUp):
		return &failure{Status: http.StatusConflict, Heading: "This board is already set up", Err: err,
			Message: "It has an administrator. Nothing that you typed was saved. Go to the board to sign in."}
	}
	f := accountFailure(err, "set up the board")
	if f == nil {
		return notSaved(fmt.Errorf("set up: %w", err))
	}
	p := s.setupForm(c)
	p.Errors, p.Message = f.formErrors(), f.formMessage()
	p.Code, p.BoardName = echoed(fields.Get("code")), echoed(fields.Get("board_name"))
	p.Username, p.DisplayName = echoed(fields.Get("username")), echoed(fields.Get("display_name"))
	p.Password = echoedPassword(fields.Get("password"))
	return s.form(c, f, p)
}

// createFirst creates the first account if the setup code is right, within the limit on sign-ups.
func (s *Server) createFirst(c echo.Context, fields url.Values) (accounts.User, error) {
	ctx := c.Request().Context()
	if can, err := s.canSetUp(ctx); err != nil || !can {
		return accounts.User{}, errors.Join(err, unless(can, accounts.ErrSetUp))
	}
	if err := s.refuseProxy(c.Request()); err != nil {
		return accounts.User{}, err
	}
	if s.cfg.AsksSetupCode() {
		if err := s.checkSetupCode(c, fields.Get("code")); err != nil {
			return accounts.User{}, err
		}
	}
	n := accounts.NewUser{
		Username: strings.TrimSpace(fields.Get("username")), DisplayName: strings.TrimSpace(fields.Get("display_name")),
		Password: fields.Get("password"),
	}
	var name *string
	if s.cfg.Fixed.BoardName == "" {
		name = new(fields.Get("board_name"))
	}
	return s.limitedSignup(c,
		func(ctx context.Context) (accounts.User, error) { return s.cfg.Accounts.SetUp(ctx, n, name) })
}

// unless returns err unless ok.
func unless(ok bool, err error) error {
	if ok {
		return nil
	}
	return err
}

// checkSetupCode returns an error unless typed is a setup code. Each address has a few attempts.
func (s *Server) checkSetupCode(c echo.Context, typed string) error {
	if typed == "" {
		return &accounts.FieldError{Field: "code", Code: accounts.Missing}
	}
	ctx := c.Request().Context()
	var failure reservation
	networks := s.addresses.networks(c.Request())
	if err := failure.takeNetworks(ctx, s.limiters.Strangers, "setup:address:", networks, failuresOfSetup,
		loginWindow); err != nil {
		return err
	}
	right, err := s.cfg.Accounts.IsSetupCode(ctx, typed)
	if err == nil && !right {
		return &accounts.FieldError{Field: "code", Code: wrongCode}
	}
	failure.giveBack(ctx)
	return err
}

// portOf returns the port in a Host header, or the default one.
func portOf(host string) string {
	if _, port, err := net.SplitHostPort(host); err == nil && port != "" {
		return port
	}
	return "8080"
}

// first returns what a board with one account says about itself.
func (s *Server) first(r *http.Request, counts live.Counts) ui.First {
	if counts.People > 1 || counts.Limited || counts.Team != "" || counts.Search != "" {
		return ui.First{}
	}
	origin := s.site.origin
	if origin == "" {
		origin = "http://" + r.Host // checkHost knows it
	}
	return ui.First{
		Address: origin + s.site.path("/"), SignupOpen: s.wantSignup(r) == nil,
		OnlyHere: s.cfg.onlyHere(), Port: portOf(r.Host), Loopback: s.site.origin == "" && isLoopback(hostName(r.Host)),
	}
}
