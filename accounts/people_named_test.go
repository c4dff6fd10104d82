package accounts

import (
	"fmt"
	"slices"
	"testing"
)

func TestPeopleByName(t *testing.T) { onEach(t, testPeopleByName) }

func testPeopleByName(t *testing.T, db database) {
	s := db.open(t, Config{})
	add(t, s, "ada", "Ada", "B")
	add(t, s, "bob", "Bob", "A")
	gone := add(t, s, "gone", "", "")
	do(t, "SetDisabled", s.SetDisabled(t.Context(), gone.ID, true))
	many := []string{"ADA", "bob", "ada", "gone", "nobody", "", "\x00"}
	for i := range 250 {
		many = append(many, fmt.Sprintf("x%d", i))
	}
	people, err := s.PeopleByName(t.Context(), many)
	do(t, "PeopleByName", err)
	var got []string
	for _, p := range people {
		got = append(got, p.Username)
	}
	if want := []string{"bob", "ada"}; !slices.Equal(got, want) {
		t.Errorf("PeopleByName = %v, want %v", got, want)
	}
	if people, err := s.PeopleByName(t.Context(), nil); err != nil || len(people) != 0 {
		t.Errorf("PeopleByName() = %v, %v, want nobody", people, err)
	}
}
