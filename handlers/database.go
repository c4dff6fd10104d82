package handlers

// databaseFile is what the log has said about the SQLite file.
type databaseFile struct{ lost, shared bool }

// checkDatabase logs once that the database file is lost, and once that it's back. Without Redis it also warns of
// another server on the same file, since each of the two would show only its own people.
func (b *board) checkDatabase() {
	err := b.accounts.Lost()
	if lost := err != nil; lost != b.database.lost {
		if b.database.lost = lost; lost {
			b.log.Error("the database file was removed, moved or replaced; nothing is stored until it's back in its place", "err", err)
		} else {
			b.log.Info("the database file is back")
		}
	}
	if b.bell != nil {
		return
	}
	shared, err := b.accounts.Shared()
	if err != nil || shared == b.database.shared {
		return
	}
	if b.database.shared = shared; shared {
		b.log.Warn("another server uses this database file, and each shows only the people who are connected to itself: stop one, or give both the same REDIS_URL")
	} else {
		b.log.Info("no other server uses this database file any more")
	}
}
