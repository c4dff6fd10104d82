package accounts

// TeamKey is the key of the team called name, as Person.TeamKey has it.
func TeamKey(name string) string { return teamKey(name) }

// ParseCursor returns a Person who stands where cursor points, for ComparePeople and nothing else, or ErrCursor.
func ParseCursor(cursor string) (Person, error) {
	key, err := decodeCursor(cursor)
	if err != nil {
		return Person{}, err
	}
	return Person{sortKey: key}, nil
}
