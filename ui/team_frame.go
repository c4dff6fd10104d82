package ui

// TeamFrame collects changes to the section with the viewer's own team. It's a frame of its own, because rows of the
// list are sent to everybody.
type TeamFrame struct{ Frame }

// List replaces the section with the output of UI.Team.
func (f *TeamFrame) List(html []byte) { f.partial("mine", "innerMorph", html) }

// Row replaces the row of one person with the output of UI.Row.
func (f *TeamFrame) Row(uid string, html []byte) { f.partial(teamRows+uid, "outerMorph", html) }

// Removed removes the row of one person.
func (f *TeamFrame) Removed(uid string) { f.partial(teamRows+uid, `"delete"`, nil) }

// Added inserts rows made by UI.Row, as Frame.Added does.
func (f *TeamFrame) Added(before string, rows ...[]byte) {
	f.added(teamRows, "mine-people", before, rows)
}

// Counts sends how many people of the team are here.
func (f *TeamFrame) Counts(now Counts) {
	f.text("mine-count", teamCount(now.Here(), now.People))
	f.text("mine-more", showAll(now.Here()))
}
