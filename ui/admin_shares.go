package ui

// AdminShares lists the teams that see each other, and has the form for another pair.
type AdminShares struct {
	TeamsOnly             bool // people see only their own team and those that share with it
	Shares                []AdminShare
	ShareTeam, ShareOther string   // as typed
	Names                 []string // of teams, to choose from
}

// AdminShare is a pair of teams that see each other.
type AdminShare struct {
	Team, Other string
	Note        string // which of them has no people; "" if both have
}
