package live

// databaseFile remembers what was logged about the SQLite file.
type databaseFile struct{ lost, shared bool }

// checkDatabase logs when the database file is lost, and when it's back. Without Redis, it also warns of another server
// on the same file, because each server would show only its own people.
func (r *reader) checkDatabase() {
	err := r.accounts.Lost()
	if lost := err != nil; lost != r.database.lost {
		if r.database.lost = lost; lost {
			r.log.Error("the database file was removed, moved or replaced; nothing is stored until it's back in its place",
				"err", err)
		} else {
			r.log.Info("the database file is back")
		}
	}
	if r.board.follower.bell != nil {
		return
	}
	shared, err := r.accounts.UsedByOthers()
	if err != nil || shared == r.database.shared {
		return
	}
	if r.database.shared = shared; shared {
		r.log.Warn("another server uses this database file, and each shows only the people who are connected to itself: " +
			"stop one, or give both the same REDIS_URL")
	} else {
		r.log.Info("no other server uses this database file anymore")
	}
}
