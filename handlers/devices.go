package handlers

import (
	"context"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/ui"
)

// devices returns all sign-ins of the person: the current device first, then the others by last use.
func (s *Server) devices(ctx context.Context, v *principal) ([]ui.Device, error) {
	sessions, err := s.cfg.Accounts.Sessions(ctx, v.user.ID)
	if err != nil {
		return nil, err
	}
	open := s.sockets.sessionsOf(v.user.ID)
	var own, others []ui.Device
	for _, x := range sessions {
		d := ui.Device{
			ID: x.ID, Name: deviceName(x.UserAgent), Address: x.Address, SignedIn: x.CreatedAt, Used: x.UsedAt,
			This: x.ID == v.session.ID, Open: open[x.ID] || s.cfg.Presence.OpenElsewhere(v.user.ID, x.ID),
		}
		if d.This {
			own = append(own, d)
		} else {
			others = append(others, d)
		}
	}
	return append(own, others...), nil
}

// endSession signs out one of the person's devices.
func (s *Server) endSession(c echo.Context) error {
	fields, err := readForm(c.Request())
	if err != nil {
		return err
	}
	v, id := signedIn(c), fields.Get("session")
	if id == v.session.ID {
		return s.logout(c)
	}
	err = s.cfg.Accounts.EndSessionOf(c.Request().Context(), v.user.ID, id)
	return s.endedSessions(c, 1, err)
}

// endOtherSessions signs out all of the person's devices except this one, and revokes their tokens if the form says so.
func (s *Server) endOtherSessions(c echo.Context) error {
	fields, err := readForm(c.Request())
	if err != nil {
		return err
	}
	v := signedIn(c)
	n, err := s.cfg.Accounts.EndOtherSessions(c.Request().Context(), v.user.ID, v.session.ID, fields.Get("tokens") == "on")
	if err == nil {
		err = s.renewToken(c)
	}
	return s.endedSessions(c, n, err)
}

// endedSessions answers a form that signed out n devices.
func (s *Server) endedSessions(c echo.Context, n int, err error) error {
	if err != nil {
		return s.answerSettings(c, ui.DevicesSection, err, func(*ui.SettingsPage) {})
	}
	return s.redirect(c, s.site.path("/settings")+"?saved="+ui.DevicesSection+"&ended="+strconv.Itoa(n))
}

// mark is a part of a user agent and the name that it stands for.
type mark struct{ part, name string }

// Browsers also name other browsers in their user agent, so the first match counts.
var (
	browserMarks = []mark{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"Vivaldi/", "Vivaldi"}, {"YaBrowser/", "Yandex Browser"},
		{"SamsungBrowser/", "Samsung Internet"}, {"DuckDuckGo/", "DuckDuckGo"}, {"FxiOS/", "Firefox"},
		{"Firefox/", "Firefox"},
		{"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Chromium/", "Chromium"}, {"Safari/", "Safari"},
		{"curl/", "curl"}, {"Wget/", "Wget"}, {"python", "Python"}, {"Go-http-client/", "A Go program"},
	}
	systemMarks = []mark{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"CrOS", "ChromeOS"},
		{"Macintosh", "Mac"}, {"Linux", "Linux"}, {"BSD", "BSD"},
	}
)

// deviceName names the browser and system that a user agent claims. Any program can claim anything.
func deviceName(userAgent string) string {
	browser, system := firstMark(browserMarks, userAgent), firstMark(systemMarks, userAgent)
	switch {
	case browser == "" && system == "":
		return "Unknown program"
	case browser == "":
		return "Unknown browser on " + system
	case system == "":
		return browser
	}
	return browser + " on " + system
}

func firstMark(marks []mark, text string) string {
	for _, m := range marks {
		if strings.Contains(text, m.part) {
			return m.name
		}
	}
	return ""
}
