package accounts

import (
	"fmt"
	"slices"
	"testing"
)

func TestFavorites(t *testing.T) { onEach(t, testFavorites) }

func testFavorites(t *testing.T, db database) {
	s := db.open(t, Config{})
	ada, bob, cleo := add(t, s, "ada", "", ""), add(t, s, "bob", "", ""), add(t, s, "cleo", "", "")
	set := func(id string, on bool, want int64) {
		t.Helper()
		for range 2 { // the second time changes nothing
			do(t, "SetFavorite", s.SetFavorite(t.Context(), ada.ID, id, on))
		}
		u, err := s.UserByID(t.Context(), ada.ID)
		if err != nil || u.FavoritesRev != want {
			t.Errorf("FavoritesRev = %d, %v, want %d", u.FavoritesRev, err, want)
		}
	}
	list := func(userID string, want ...string) {
		t.Helper()
		got, err := s.Favorites(t.Context(), userID)
		slices.Sort(want)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("Favorites = %v, %v, want %v", got, err, want)
		}
	}
	rev := mustRev(t, s)
	set(bob.ID, true, 1)
	set(cleo.ID, true, 2)
	list(ada.ID, bob.ID, cleo.ID)
	list(bob.ID)
	set(bob.ID, false, 3)
	list(ada.ID, cleo.ID)
	if is, err := s.IsFavorite(t.Context(), ada.ID, cleo.ID); err != nil || !is {
		t.Errorf("IsFavorite(cleo) = %v, %v, want true", is, err)
	}
	if is, err := s.IsFavorite(t.Context(), cleo.ID, ada.ID); err != nil || is {
		t.Errorf("IsFavorite the other way = %v, %v, want false", is, err)
	}
	if got := mustRev(t, s); got != rev {
		t.Errorf("rev after favorites = %d, want %d: nobody else notices", got, rev)
	}
	wantErr(t, "SetFavorite(self)", s.SetFavorite(t.Context(), ada.ID, ada.ID, true), ErrNotFound)
	wantErr(t, "SetFavorite(nobody)", s.SetFavorite(t.Context(), ada.ID, "nobody", true), ErrNotFound)
	wantErr(t, "SetFavorite of nobody", s.SetFavorite(t.Context(), "nobody", ada.ID, true), ErrNotFound)
	do(t, "SetDisabled", s.SetDisabled(t.Context(), bob.ID, true))
	wantErr(t, "SetFavorite(disabled)", s.SetFavorite(t.Context(), ada.ID, bob.ID, true), ErrNotFound)

	// They go with either account.
	do(t, "SetFavorite", s.SetFavorite(t.Context(), cleo.ID, ada.ID, true))
	do(t, "Delete", s.Delete(t.Context(), cleo.ID))
	list(ada.ID)
	var rows int
	if err := s.r.db.QueryRow("SELECT count(*) FROM favorites").Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d favorites are left, %v, want none", rows, err)
	}
}

func TestFavoritesAreBounded(t *testing.T) {
	s := open(t, Config{})
	ada := add(t, s, "ada", "", "")
	people := make([]NewUser, MaxFavorites+1)
	for i := range people {
		people[i] = NewUser{Username: fmt.Sprintf("p%03d", i), PasswordHash: storedHash(t, s, ada.ID)}
	}
	do(t, "Import", second(s.Import(t.Context(), people)))
	users, err := s.Users(t.Context(), "ada", MaxFavorites+1)
	do(t, "Users", err)
	for _, u := range users[:MaxFavorites] {
		do(t, "SetFavorite", s.SetFavorite(t.Context(), ada.ID, u.ID, true))
	}
	wantField(t, "SetFavorite", s.SetFavorite(t.Context(), ada.ID, users[MaxFavorites].ID, true), "favorites")
	do(t, "SetFavorite again", s.SetFavorite(t.Context(), ada.ID, users[0].ID, true))
}
