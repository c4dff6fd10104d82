package accounts

// TeamKey returns the key of the team called name, equal to Person.TeamKey of its members.
func TeamKey(name string) string { return teamKey(name) }

// ParseCursor returns a Person at the position of cursor, only for use with ComparePeople, or ErrCursor.
func ParseCursor(cursor string) (Person, error) {
	key, err := decodeCursor(cursor)
	if err != nil {
		return Person{}, err
	}
	return Person{sortKey: key}, nil
}
