package ui

// AdminTeamPairs lists the teams that see each other, and has the form for another pair.
type AdminTeamPairs struct {
	TeamsOnly           bool // people see only their own team and those paired with it
	TeamPairs           []AdminTeamPair
	PairTeam, PairOther string   // as typed
	Names               []string // of teams, to choose from
}

// AdminTeamPair is a pair of teams that see each other.
type AdminTeamPair struct {
	Team, Other string
	Note        string // which of them has no people; "" if both have
}
