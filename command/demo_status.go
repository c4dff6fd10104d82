package command

import (
	"time"

	"rollcall/accounts"
)

// demoStatus is a status that players set. One that names a state ends soon.
type demoStatus struct {
	state, emoji, text string
	lasts              string // as accounts.EndOf takes it
}

// starting returns the status as somebody sets it at a time.
func (s demoStatus) starting(at time.Time) (accounts.Status, error) {
	until, err := accounts.EndOf(s.lasts, "", time.Local, at)
	return accounts.Status{State: s.state, Emoji: s.emoji, Text: s.text, Until: until}, err
}

// demoStatuses are the statuses of people who are here.
var demoStatuses = []demoStatus{
	{"dnd", "🎧", "Heads down until this builds", accounts.Lasts30Min},
	{"dnd", "📞", "On a call", accounts.Lasts30Min},
	{"dnd", "🔥", "Incident 4121, reachable by phone", accounts.Lasts1Hour},
	{"dnd", "🎨", "In a workshop", accounts.Lasts4Hours},
	{"dnd", "🎤", "Interviewing a candidate", accounts.Lasts1Hour},
	{"dnd", "🚀", "Deploying, please don’t merge", accounts.Lasts30Min},
	{"dnd", "🧪", "Running a user study", accounts.Lasts1Hour},
	{"dnd", "🤫", "Focus time", accounts.Lasts1Hour},
	{"dnd", "", "Presenting in a minute, wish me luck", accounts.Lasts30Min},
	{"dnd", "", "Finishing the report. Text me if it’s urgent", accounts.Lasts4Hours},
	{"dnd", "", "Back-to-back 1:1s", accounts.Lasts1Hour},
	{"away", "🍜", "Lunch", accounts.Lasts1Hour},
	{"away", "🥪", "Lunch with the new people", accounts.Lasts1Hour},
	{"away", "☕", "Coffee, anyone?", accounts.Lasts30Min},
	{"away", "🚲", "Cycling to the other office", accounts.Lasts30Min},
	{"away", "🐕", "Walking the dog", accounts.Lasts30Min},
	{"away", "🏃‍♀️", "Out for a run", accounts.Lasts1Hour},
	{"away", "🎒", "School run, back soon", accounts.Lasts30Min},
	{"away", "🦷", "At the dentist. Send help", accounts.Lasts1Hour},
	{"away", "", "Picking up a parcel, 10 minutes", accounts.Lasts30Min},
	{"", "✅", "Happy to review", accounts.Lasts4Hours},
	{"", "🏡", "Working from home", accounts.LastsToday},
	{"", "🏡", "WFH, the plumber may ring", accounts.LastsToday},
	{"", "🐛", "Bug duty this week", accounts.LastsWeek},
	{"", "☎️", "On call, page me for anything red", accounts.LastsWeek},
	{"", "🌊", "In Lisbon this week, same hours", accounts.LastsWeek},
	{"", "👋", "First week here. Say hi!", accounts.LastsWeek},
	{"", "🤧", "Bit of a cold, slow today", accounts.LastsToday},
	{"", "🚆", "On the train, patchy signal", accounts.Lasts4Hours},
	{"", "🍪", "Cookies in the kitchen on 3", accounts.LastsToday},
	{"", "📍", "Desk 4.12, by the window", accounts.LastsToday},
	{"", "🧭", "In the Oslo office", accounts.LastsToday},
	{"", "📚", "Reading the accessibility audit", accounts.Lasts4Hours},
	{"", "🌱", "Learning Rust, be kind", accounts.LastsForever},
	{"", "🎂", "", accounts.LastsToday},
	{"", "🎵", "", accounts.LastsForever},
	{"", "", "Ask me about the new board", accounts.LastsForever},
	{"", "", "Mornings only this week", accounts.LastsWeek},
	{"", "", "Looking for a second pair of eyes on the migration", accounts.Lasts4Hours},
	{"", "", "Leaving early today", accounts.LastsToday},
	{"", "", "If I’m quiet, I’m thinking", accounts.LastsForever},
	{"", "", "Camera off today", accounts.LastsToday},
	{"", "", "Je parle français aussi", accounts.LastsForever},
	{"", "", "日本語でもどうぞ", accounts.LastsForever},
	{"", "", "Pairing all day. Come by if you’re stuck on the importer, we have it open anyway", accounts.LastsToday},
}

// demoAbsences are the statuses of people who don't come back while the demo runs.
var demoAbsences = []demoStatus{
	{"", "🌴", "On vacation. Back in two weeks", accounts.LastsForever},
	{"", "👶", "Parental leave until spring", accounts.LastsForever},
	{"", "🤒", "Out sick", accounts.LastsForever},
	{"", "🏔️", "Hiking. Ask Ravi about the release", accounts.LastsForever},
	{"", "🎓", "At a conference", accounts.LastsWeek},
	{"", "📦", "Moving house", accounts.LastsWeek},
	{"", "", "On a sabbatical. See you in the fall!", accounts.LastsForever},
	{"", "", "I work Mondays to Wednesdays", accounts.LastsForever},
}
