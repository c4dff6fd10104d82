package ui

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// StoredPage shows people what is stored about them, who can see it, and for how long.
type StoredPage struct {
	Layout
	ID, Username, DisplayName, Team string
	Admin, Disabled                 bool
	Created                         time.Time

	State, Text, Emoji string    // the person's own status; State is "" for automatic
	Until              time.Time // when the status ends; zero if it doesn't
	SetAt              time.Time // when the status was set; zero if none is set
	LastSeen           time.Time
	Online             bool

	IdleAfter      time.Duration // 0 for the default, UsualIdle; negative for never
	UsualIdle      time.Duration
	ShowLastSeen   string // approximate, exact or nobody
	TimeZone       string
	Theme          string // system, light or dark
	Announce       bool
	Invisible      bool
	InvisibleSince time.Time

	Pronouns    string
	Contacts    []string
	ShareTime   bool
	AllowAlerts bool
	Public      bool // embeds on public web pages may show the person

	Email string

	Acts, Presets, Claims, Devices, Browsers, Favorites, Alerts, Identities, Tokens, Shares, Walls, Lists int // how many there are

	Hooks, SeenBy, SeenByPeople int // webhooks of the person, those of others about the person, and how many these others are

	SeenByTokens, SeenByOwners int // access tokens of others that can see the person, and how many people have them

	AdminBy, TeamBy string // the keys of the providers that gave them; "": no provider

	Passkeys int
	App      string // says whether there is an authenticator app, and how many recovery codes are left

	TeamsOnly bool // people see only their own team and those paired with it
	Replicas  bool // several servers run this board and tell each other who is connected
}

// stamp is a moment that may be long ago. Class tells the page's script how to format it.
type stamp struct {
	moment
	Class string
}

const stampLayout = "15:04 UTC, 2 Jan 2006"

// stampOf returns t as a stamp. class is seen, since or until.
func stampOf(class string, t time.Time) stamp {
	layout := stampLayout
	if class != "seen" {
		layout = class + " " + layout
	}
	return stamp{momentOf(t, layout), class}
}

func (StoredPage) template() string { return "stored" }

// StoredGroup holds facts that the same people can see.
type StoredGroup struct {
	Title, Intro string
	Facts        []StoredFact
}

// StoredFact is one kind of data that is stored.
type StoredFact struct {
	Keys []string // its keys in the download, if it's there
	What string   // what it is
	Mine string   // the person's own value
	When stamp    // shown after Mine
	Note string   // who can see it and for how long, in sentences
}

// Groups returns everything that is stored. Code that stores more must add it here. A test in handlers compares Keys
// with the download.
func (p StoredPage) Groups() []StoredGroup {
	return []StoredGroup{
		p.everyone(),
		{"Only you see this", "It's never shown to anyone else.", append(p.chosen(), p.signIns()...)},
		{"Administrators see this, too", "They manage the accounts of this board, and see people as everyone sees them.",
			p.administered()},
		{"Nobody sees this", "It's stored in a form that can't be read back.", secrets()},
		{
			"The person who runs this server",
			"They have access to the database, so they can read all of the above except the secrets. They also have:",
			p.operators(),
		},
		{"In this browser", "It stays in your browser until you clear this site's data.", inBrowser()},
	}
}

// everyone returns what everyone sees who may see the person.
func (p StoredPage) everyone() StoredGroup {
	if p.TeamsOnly {
		return StoredGroup{"People who can see you see this",
			"That is, your team, teams that an administrator paired with it, and administrators. For others, you don't exist.",
			p.seenByAll()}
	}
	return StoredGroup{"Everyone sees this", "That is, everyone who signs in here. The board is hidden from others.",
		p.seenByAll()}
}

func (p StoredPage) administered() []StoredFact {
	return []StoredFact{{
		Keys: []string{"account.email"}, What: "Email address", Mine: cmp.Or(p.Email, "None"),
		Note: "For links if you forget your password, and for notices about your account. Kept until you or an administrator " +
			"changes it. While an email waits to be sent, what it's about is stored for at most a day.",
	}, {
		Keys: []string{"acts.at", "acts.action", "acts.by", "acts.address", "acts.detail"},
		What: "Log of changes", Mine: plural(p.Acts, "line", "lines"),
		Note: "What administrators or commands changed in your account, and what you changed as an administrator, with the " +
			"address of your browser for 30 days. Kept for 400 days, even after your account is deleted; it then has only your " +
			"ID. It never says when you signed in or were here.",
	}}
}

func (p StoredPage) seenByAll() []StoredFact {
	return []StoredFact{
		{
			Keys: []string{"account.display_name"}, What: "Name", Mine: p.DisplayName,
			Note: "Kept until you change it.",
		}, {
			Keys: []string{"account.username"}, What: "Username", Mine: p.Username,
			Note: "Kept as long as your account.",
		}, {
			Keys: []string{"account.team"}, What: "Team", Mine: cmp.Or(p.Team, "None"),
			Note: "Kept until you or an administrator changes it.",
		}, {
			Keys: []string{"account.pronouns"}, What: "Pronouns", Mine: cmp.Or(p.Pronouns, "None"),
			Note: "Shown on your page. Kept until you change them.",
		}, {
			Keys: []string{"account.contacts"}, What: "How to reach you", Mine: cmp.Or(strings.Join(p.Contacts, ", "), "None"),
			Note: "Shown on your page. Kept until you change it.",
		}, {
			Keys: []string{"status.state", "status.text", "status.emoji", "status.until", "status.set_at"},
			What: "Your status", Mine: p.status(), When: stampOf("until", p.Until),
			Note: "State, text, emoji, and end. Shown until it ends, if it has an end. Kept until you set another.",
		}, {
			Keys: []string{"claims.state", "claims.text", "claims.emoji", "claims.until"},
			What: "What apps say about you", Mine: strconv.Itoa(p.Claims),
			Note: "State, text, emoji, and an announced end, shown if you haven't set a status yourself. Kept until it ends, or " +
				"until you or the app removes it, and for up to an hour after it ends.",
		}, {
			Keys: []string{"last_seen"}, What: "Last seen", Mine: p.lastSeen(), When: stampOf("seen", p.LastSeen),
			Note: p.lastSeenNote(),
		}, {
			Keys: []string{"webhooks_about_me", "people_with_webhooks_about_me"}, What: "Webhooks that tell others about you",
			Mine: ofPeople(p.SeenBy, "webhook", "webhooks", p.SeenByPeople),
			Note: "People who can see you can have your state and text sent to another program, such as a chat, by a webhook. It " +
				"learns no more than they see, and sees you as offline while you're invisible. What it keeps is up to the person who runs it.",
		}, {
			Keys: []string{"shown_by.access_tokens", "shown_by.people_with_access_tokens"},
			What: "Access tokens of others that can see you",
			Mine: ofPeople(p.SeenByTokens, "token", "tokens", p.SeenByOwners),
			Note: "People who can see you can give a program an access token. The program then learns what they see of you here, and no " +
				"more, until the token ends.",
		}, {
			What: "Whether you're here",
			Note: "Online, away, do not disturb, or offline, and since when. This isn't stored. It's calculated from which of " +
				"your devices are connected and when they last had input, which is held in memory while they're connected.",
		}, {
			Keys: []string{"shown_by.wall_boards", "shown_by.lists_for_other_sites"},
			What: "Share links of others that can show you",
			Mine: plural(p.Walls, "wall board", "wall boards") + ", " +
				plural(p.Lists, "list for other sites", "lists for other sites"),
			Note: "People who can see you can make a wall board. Anyone who has its address sees on it what they see of you here. Lists " +
				"for other sites show you only if you turned on “Show me on public web pages”.",
		}, {
			Keys: []string{"account.id"}, What: "Your ID", Mine: p.ID,
			Note: "A random number that identifies you in the page. Kept as long as your account and one day longer, so that " +
				"every server learns that the account is gone.",
		},
	}
}

// lastSeenNote says who can see when the person was last online.
func (p StoredPage) lastSeenNote() string {
	who := "People who show theirs see only a rough time: today, this week, this month, or long ago."
	switch p.ShowLastSeen {
	case "exact":
		who = "People who show theirs see it to the minute while you're offline."
	case "nobody":
		who = "You've chosen that nobody sees it."
	}
	return who + " Only the latest time is kept, so there's no record of when you were here before."
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

// ofPeople returns how many things some people have, such as "2 webhooks of 1 person".
func ofPeople(n int, one, more string, people int) string {
	if n == 0 {
		return "None"
	}
	return plural(n, one, more) + " of " + plural(people, "person", "people")
}

func (p StoredPage) chosen() []StoredFact {
	idle := idleWords(p.IdleAfter)
	if p.IdleAfter == 0 {
		idle = "The default: " + idleWords(p.UsualIdle)
	}
	const until = "Kept until you change it."
	return []StoredFact{
		{Keys: []string{"settings.idle_after_minutes"}, What: "Away after", Mine: idle, Note: until},
		{
			Keys: []string{"settings.show_last_seen"}, What: "Who can see when you were last online",
			Mine: words[p.ShowLastSeen],
			Note: until,
		}, {
			Keys: []string{"settings.time_zone"}, What: "Time zone", Mine: cmp.Or(p.TimeZone, "Not known"),
			Note: "Used for times like “today”. Others see it if you share your local time. " + until,
		},
		{Keys: []string{"settings.share_local_time"}, What: "Share my local time", Mine: onOff(p.ShareTime), Note: until},
		{
			Keys: []string{"settings.allow_alerts"}, What: "Let others ask to be told when I'm here", Mine: onOff(p.AllowAlerts),
			Note: "Others can see whether they can ask. " + until,
		},
		{
			Keys: []string{"settings.public_pages"}, What: "Public web pages may show me", Mine: onOff(p.Public),
			Note: "Lists that people embed in other sites show you only with this. " + until,
		},
		{
			Keys: []string{"shares.kind", "shares.name", "shares.team", "shares.only_counts", "shares.texts", "shares.origins",
				"shares.created_on", "shares.expires_at", "shares.last_used_on"},
			What: "Share links you made", Mine: strconv.Itoa(p.Shares),
			Note: "What each shows and where, the day when you made it, when it ends, and the day of its last use. Kept until " +
				"you revoke it or it ends. Its ID is kept for one more day, and the log of changes has a line about it.",
		},
		{
			Keys: []string{"favorites"}, What: "Favorites", Mine: strconv.Itoa(p.Favorites),
			Note: "The people at the top of your board. Kept until you remove them, or their account is deleted.",
		},
		{
			Keys: []string{"alerts.username", "alerts.for", "alerts.asked_at", "alerts.expires_at", "alerts.told_at"},
			What: "Whom you want to be told about", Mine: strconv.Itoa(p.Alerts),
			Note: "Who it is, what you wait for, and when you asked. Kept until a few minutes after you were told, for 7 days at most, or until you withdraw it.",
		},
		{
			Keys: []string{"webhooks.name", "webhooks.url", "webhooks.format", "webhooks.about", "webhooks.team", "webhooks.person_id",
				"webhooks.states", "webhooks.texts", "webhooks.settle_seconds", "webhooks.stopped", "webhooks.stopped_at",
				"webhooks.fails_since", "webhooks.created_at", "webhooks.rotated_at", "webhooks.deliveries.at",
				"webhooks.deliveries.event", "webhooks.deliveries.try", "webhooks.deliveries.status",
				"webhooks.deliveries.took_ms", "webhooks.deliveries.reason"},
			What: "Your webhooks", Mine: strconv.Itoa(p.Hooks),
			Note: "What you chose, its secret, and what the other program was told last about each person. When and how something was " +
				"delivered is kept for a day. Kept until you delete them.",
		},
		{Keys: []string{"settings.theme"}, What: "Theme", Mine: words[p.Theme], Note: until},
		{Keys: []string{"settings.announce"}, What: "Announcements for screen readers", Mine: onOff(p.Announce), Note: until},
		{
			Keys: []string{"settings.invisible", "settings.invisible_since"}, What: "Invisible", Mine: onOff(p.Invisible),
			When: stampOf("since", p.InvisibleSince), Note: "Others see you as offline. Kept until you go visible.",
		}, {
			Keys: []string{"claims.name", "claims.ends_at", "claims.set_at", "claims.token"},
			What: "Which apps say it", Mine: strconv.Itoa(p.Claims),
			Note: "The name it goes by, when it began, when it ends unless the app renews it, and which token it used. Kept " +
				"as long as what it says.",
		}, {
			Keys: []string{"presets.state", "presets.text", "presets.emoji", "presets.lasts"}, What: "Recent statuses",
			Mine: strconv.Itoa(p.Presets),
			Note: "The last 6 that you set. Kept until you remove them or newer ones replace them.",
		},
	}
}

func (p StoredPage) signIns() []StoredFact {
	return []StoredFact{
		{
			Keys: []string{
				"sessions.browser", "sessions.address", "sessions.created_at", "sessions.last_used_at", "sessions.expires_at",
				"sessions.method", "sessions.factors", "sessions.proved_at",
				"sessions.unconfirmed", "sessions.provider",
			},
			What: "Devices that are signed in", Mine: strconv.Itoa(p.Devices),
			Note: "How the browser describes itself, the address and time of its sign-in, how and where you signed in, when you " +
				"last confirmed that it's you, when it was last used, and when its sign-in ends: after 30 days (7 days if you signed " +
				"in with another account), or when you sign it out. The record is deleted then, or when somebody next signs in. " +
				"If you haven't confirmed a new device, its record stays until the 30 days are over, even if it signs out. The ID " +
				"of a record is kept for one more day.",
		}, {
			Keys: []string{"known_browsers.signed_in_at", "known_browsers.new_since"}, What: "Browsers you have signed in with",
			Mine: strconv.Itoa(p.Browsers),
			Note: "When you last signed in with each, so that someone who guesses passwords can't lock you out of these " +
				"browsers, and since when one is new that you haven't confirmed. Kept for half a year, or until you change your password.",
		}, {
			Keys: []string{"passkeys.name", "passkeys.host", "passkeys.model", "passkeys.transports", "passkeys.can_be_synced",
				"passkeys.synced", "passkeys.created_at", "passkeys.last_used_at"},
			What: "Passkeys", Mine: strconv.Itoa(p.Passkeys),
			Note: "Their names, the address and the kind of device that they were made for, whether they're synced, and when you " +
				"added and last used them. The key itself stays on your device; the part of it that's stored here can't sign " +
				"anybody in. Kept until you or an administrator removes them.",
		}, {
			Keys: []string{"authenticator_app.added_at", "authenticator_app.recovery_codes_left",
				"authenticator_app.recovery_codes_used", "authenticator_app.recovery_codes_created_at"},
			What: "Authenticator app", Mine: cmp.Or(p.App, "None"),
			Note: "When you set it up, and when you created and used recovery codes. Kept until you or an administrator removes it, or, for " +
				"the codes, until you create new ones.",
		}, {
			Keys: []string{"tokens.name", "tokens.scopes", "tokens.made_by_token", "tokens.created_at", "tokens.expires_at",
				"tokens.last_used_at"},
			What: "Access tokens", Mine: strconv.Itoa(p.Tokens),
			Note: "Their names, what they can do, whether another token made them, when you created them, when they end, and when " +
				"they were last used, to about 10 minutes. Kept until they end or you revoke them. Their ID is kept for one more day.",
		}, {
			Keys: []string{"account.created_at"}, What: "Account created", When: stampOf("seen", p.Created),
			Note: "Kept as long as your account.",
		}, {
			Keys: []string{"account.admin", "account.admin_by", "account.disabled"}, What: "Rights", Mine: p.rights(),
			Note: "Set by an administrator, or by the groups that you have where you sign in.",
		}, {
			Keys: []string{"account.team_by"}, What: "Who chose your team", Mine: cmp.Or(p.TeamBy, "You or an administrator"),
			Note: "If it's somewhere that you sign in, your groups there decide, each time that you sign in with it.",
		}, {
			Keys: []string{
				"identities.provider", "identities.issuer", "identities.subject", "identities.label", "identities.created_at",
				"identities.last_used_at",
			},
			What: "Other accounts that you sign in with", Mine: strconv.Itoa(p.Identities),
			Note: "Where it is, its ID and its name there, when you linked it, and when you last signed in with it. " +
				"Administrators only see where it is. Kept until you unlink it.",
		},
	}
}

func (p StoredPage) rights() string {
	switch {
	case p.Disabled:
		return "Disabled"
	case p.Admin:
		return "Administrator"
	}
	return "Member"
}

func secrets() []StoredFact {
	return []StoredFact{
		{What: "Your password", Note: "Only a hash of it (argon2id). Kept until you change it."},
		{What: "The secret of your authenticator app", Note: "Encrypted with a key that isn't in the database."},
		{What: "Your recovery codes", Note: "Only hashes of them (SHA-256). Kept until you create new ones, including those that you used."},
		{What: "Your access tokens themselves", Note: "Only hashes of them (SHA-256). Kept as long as the tokens above."},
		{What: "The addresses of your share links",
			Note: "Only hashes of them (SHA-256), except for lists in other sites, whose visitors can read the address anyway."},
		{What: "The keys of your devices", Note: "Only hashes of them (SHA-256). Kept as long as the devices above."},
	}
}

func (p StoredPage) operators() []StoredFact {
	facts := []StoredFact{
		{
			What: "A line in the log for each request",
			Note: "Time, path, your address and your ID, but no names and nothing you typed into a form. Kept as long as they " +
				"keep logs, unless they turn this off.",
		}, {
			What: "Counts of attempts",
			Note: "How many passwords were tried from an address, for a username or from a browser (the last two as hashes), " +
				"for 15 minutes. How many wrong codes were typed for your account, for a day. How many accounts were created from an address, for an hour. How often you changed something, " +
				"for a minute.",
		}, {
			What: "Data derived from your names",
			Note: "The words that search finds you by, your place on the board, and the number of your last change. They " +
				"change with your names.",
		},
	}
	if p.Replicas {
		facts = append(facts, StoredFact{
			What: "What the servers of this board share",
			Note: "Through Redis: your ID, which servers your devices are connected to, whether they had input and since when, " +
				"and whether you're invisible or were before. Kept while a device is connected and for seconds after. Apart " +
				"from the counts above, nothing else about you.",
		})
	}
	return facts
}

func inBrowser() []StoredFact {
	return []StoredFact{
		{What: "A cookie that keeps you signed in", Note: "Kept for 30 days, or until you sign out."},
		{What: "A cookie that identifies this browser", Note: "Kept for a year. See “Browsers you have signed in with”."},
		{What: "A cookie that remembers that you've just signed out", Note: "Kept until the sign-in page says so, for up to a minute."},
		{What: "Cookies while you sign in with another account", Note: "Kept for up to 10 minutes."},
		{What: "A cookie that remembers your right password while you type a code",
			Note: "Encrypted, and without the password. Kept for 5 minutes."},
		{What: "When this tab last had input", Note: "Kept until you close the tab."},
		{What: "What this tab has told you",
			Note: "Which messages about people who are here it has shown. Kept until you close the tab."},
		{What: "The time zone you chose to keep",
			Note: "Only if a page offered you another one. Kept until you choose again."},
	}
}

// words holds the names of choices by their values in forms.
var words = map[string]string{
	"approximate": "Everyone, roughly", "exact": "Everyone, exactly", "nobody": "Nobody",
	"system": "Match system", "light": "Light", "dark": "Dark",
}

// idleWords returns an idle time for display.
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

// lastSeen returns the text before the time, if there is one.
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
