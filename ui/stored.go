package ui

import (
	"cmp"
	"fmt"
	"strconv"
	"time"
)

// StoredPage tells a person what is stored about them, who sees it, and for how long.
type StoredPage struct {
	Layout
	ID, Username, DisplayName, Team string
	Admin, Disabled                 bool
	Created                         time.Time

	// State is that of the person's own status; "": left to their devices.
	State, Text, Emoji string
	// Until is when the status ends, and SetAt when it was set; zero: no end, no status.
	Until, SetAt time.Time
	LastSeen     time.Time
	Online       bool

	// IdleAfter is 0 for the default of this Rollcall, UsualIdle; below 0: never.
	IdleAfter, UsualIdle time.Duration
	// ShowLastSeen is approximate, exact or nobody; Theme is system, light or dark.
	ShowLastSeen, TimeZone, Theme string
	Announce, Invisible           bool
	InvisibleSince                time.Time

	// Presets, Devices and Browsers are how many there are.
	Presets, Devices, Browsers int
	// Replicas: several servers show this board and tell each other who is connected.
	Replicas bool
}

// stamp is a moment that may be long ago, and how the script is to write it.
type stamp struct {
	moment
	Class string
}

const stampLayout = "15:04 UTC, 2 Jan 2006"

// stampOf is t; class is seen, since or until.
func stampOf(class string, t time.Time) stamp {
	layout := stampLayout
	if class != "seen" {
		layout = class + " " + layout
	}
	return stamp{momentOf(t, layout), class}
}

func (StoredPage) template() string { return "stored" }

// StoredGroup are facts that the same people see.
type StoredGroup struct {
	Title, Intro string
	Facts        []StoredFact
}

// StoredFact is one thing that is stored.
type StoredFact struct {
	// Keys are what it is called in the download, as far as it stands there.
	Keys []string
	// What it is, and what the person's own is.
	What, Mine string
	// When stands behind Mine.
	When stamp
	// Who sees it and how long it stays, in sentences.
	Note string
}

// Groups are all that is stored. Whoever stores more has to add it here: the
// tests of handlers hold the Keys against what a download has.
func (p StoredPage) Groups() []StoredGroup {
	return []StoredGroup{
		{"Everybody sees this", "That is, everybody who signs in here. Without signing in nobody sees the board.", p.seenByAll()},
		{"Only you see this", "No other person is shown any of it.", append(p.chosen(), p.signIns()...)},
		{"Nobody sees this", "It is stored in a form that cannot be read back.", secrets()},
		{"Whoever runs this server", "They hold the database, so they can read all of the above but the secrets. Besides that there is:", p.operators()},
		{"In this browser", "It stays on your side, and goes when you clear the data of this site.", inBrowser()},
	}
}

func (p StoredPage) seenByAll() []StoredFact {
	return []StoredFact{
		{Keys: []string{"account.display_name"}, What: "Name", Mine: p.DisplayName, Note: "Until you change it."},
		{Keys: []string{"account.username"}, What: "Username", Mine: p.Username, Note: "As long as the account."},
		{Keys: []string{"account.team"}, What: "Team", Mine: cmp.Or(p.Team, "None"), Note: "Until you change it, or whoever runs this server does."},
		{Keys: []string{"status.state", "status.text", "status.emoji", "status.until", "status.set_at"}, What: "What you say about yourself",
			Mine: p.status(), When: stampOf("until", p.Until), Note: "State, text, emoji and end. Shown until its end, if it has one; kept until you set another."},
		{Keys: []string{"last_seen"}, What: "Last seen", Mine: p.lastSeen(), When: stampOf("seen", p.LastSeen), Note: p.lastSeenNote()},
		{What: "Whether you are here", Note: "Online, away, do not disturb or offline, and since when. Not stored: it follows from which devices of yours are connected, and when there was input. That is held in memory while they are."},
		{Keys: []string{"account.id"}, What: "Your id", Mine: p.ID, Note: "It stands for you in the page, and says nothing. As long as the account, and one day longer, so that every server learns that you have gone."},
	}
}

// lastSeenNote says who is told when the person was here.
func (p StoredPage) lastSeenNote() string {
	who := "Everybody who shows theirs is told a word only: today, this week, this month or long ago."
	switch p.ShowLastSeen {
	case "exact":
		who = "Everybody who shows theirs is told it to the minute while you are offline."
	case "nobody":
		who = "You have chosen that nobody is told."
	}
	return who + " It is one time, and the next takes its place: there is no record of when you were here."
}

func (p StoredPage) status() string {
	text := p.Emoji
	for _, part := range [...]string{p.Text, Label(p.State)} {
		if part != "" && text != "" {
			text += " "
		}
		text += part
	}
	return cmp.Or(text, "Nothing")
}

func (p StoredPage) chosen() []StoredFact {
	idle := idleWords(p.IdleAfter)
	if p.IdleAfter == 0 {
		idle = "The default: " + idleWords(p.UsualIdle)
	}
	const until = "Until you change it."
	return []StoredFact{
		{Keys: []string{"settings.idle_after_minutes"}, What: "Away after", Mine: idle, Note: until},
		{Keys: []string{"settings.show_last_seen"}, What: "Who may know when you were last seen", Mine: words[p.ShowLastSeen], Note: until},
		{Keys: []string{"settings.time_zone"}, What: "Time zone", Mine: cmp.Or(p.TimeZone, "Not known"), Note: "For ends like “today”. " + until},
		{Keys: []string{"settings.theme"}, What: "Theme", Mine: words[p.Theme], Note: until},
		{Keys: []string{"settings.announce"}, What: "Announcements for screen readers", Mine: onOff(p.Announce), Note: until},
		{Keys: []string{"settings.invisible", "settings.invisible_since"}, What: "Invisible", Mine: onOff(p.Invisible),
			When: stampOf("since", p.InvisibleSince), Note: "Others see what they would see had you left. Until you show yourself."},
		{Keys: []string{"presets.state", "presets.text", "presets.emoji", "presets.lasts"}, What: "Statuses to choose again",
			Mine: strconv.Itoa(p.Presets), Note: "The last 6 that you set. Until you forget them or newer ones take their place."},
	}
}

func (p StoredPage) signIns() []StoredFact {
	return []StoredFact{
		{Keys: []string{"sessions.browser", "sessions.address", "sessions.created_at", "sessions.last_used_at", "sessions.expires_at"}, What: "Devices that are signed in",
			Mine: strconv.Itoa(p.Devices), Note: "How the browser describes itself, from which address it signed in, when that was, when it was last used, and when it ends: after 30 days, or when you sign it out. It is cleared away then, at the latest as others sign in; its id stays for one more day."},
		{Keys: []string{"known_browsers.signed_in_at"}, What: "Browsers that know your password",
			Mine: strconv.Itoa(p.Browsers), Note: "When it was last right in each, so that somebody who guesses at it cannot lock you out of your own. They count for half a year, and are forgotten when you change the password."},
		{Keys: []string{"account.created_at"}, What: "Account made", When: stampOf("seen", p.Created), Note: "As long as the account."},
		{Keys: []string{"account.admin", "account.disabled"}, What: "Rights", Mine: p.rights(), Note: "Whoever runs this server decides on them."},
	}
}

func (p StoredPage) rights() string {
	switch {
	case p.Disabled:
		return "Disabled"
	case p.Admin:
		return "Administrator"
	}
	return "As everybody"
}

func secrets() []StoredFact {
	return []StoredFact{
		{What: "Your password", Note: "Only a hash of it (argon2id). Until you change it."},
		{What: "The keys of your devices", Note: "Only hashes of them (SHA-256). As long as the devices above."},
	}
}

func (p StoredPage) operators() []StoredFact {
	facts := []StoredFact{
		{What: "A line in the log for each request", Note: "Time, path, the address you came from and your id; no name, nothing that you typed into a form. Unless they turn it off, and as long as they keep logs."},
		{What: "Counters of tries", Note: "How many wrong passwords came from an address, for a username or from a browser (those two as hashes), for 15 minutes; how many accounts were made from an address, for an hour; and how often you changed something, for a minute."},
		{What: "What is made of your names", Note: "The words by which you are found, your place in the order of the board, and the number of your last change. They change with your names."},
	}
	if p.Replicas {
		facts = append(facts, StoredFact{What: "What the servers of this board tell each other", Note: "Through Redis: your id, which server has a device of yours, whether it had input, since when, and whether you are invisible or were before. While it is connected, and for seconds after; nothing else about you but the counters above."})
	}
	return facts
}

func inBrowser() []StoredFact {
	return []StoredFact{
		{What: "A cookie that keeps you signed in", Note: "For 30 days, or until you sign out."},
		{What: "A cookie by which this browser is known", Note: "For a year. See “Browsers that know your password”."},
		{What: "When this tab last had input", Note: "Until you close the tab."},
		{What: "The time zone you decided to keep", Note: "Only if a page offered you another one. Until you decide again."},
	}
}

// words of settings, by what they are called in a form.
var words = map[string]string{
	"approximate": "Everybody, roughly", "exact": "Everybody, exactly", "nobody": "Nobody",
	"system": "As the system", "light": "Light", "dark": "Dark",
}

// idleWords say after how long somebody is away.
func idleWords(d time.Duration) string {
	minutes := int(d / time.Minute)
	switch {
	case d < 0:
		return "never"
	case minutes == 1 && d == time.Minute:
		return "1 minute"
	case minutes > 0 && d%time.Minute == 0:
		return fmt.Sprintf("%d minutes", minutes)
	}
	return d.String()
}

func onOff(on bool) string {
	if on {
		return "On"
	}
	return "Off"
}

// lastSeen stands before the time, if there is one.
func (p StoredPage) lastSeen() string {
	switch {
	case p.Online && p.LastSeen.IsZero():
		return "You're online now"
	case p.Online:
		return "You're online now; before that,"
	case p.LastSeen.IsZero():
		return "Never"
	}
	return ""
}
