package accounts

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// crowd is the number of accounts that the benchmarks run on.
const crowd = 100_000

var firstNames = strings.Fields("Ada Björn Chinwe Dmitri Élodie Farah Grace Hiroshi Ingrid Jamal Kateryna Leïla Mateo Nadia " +
	"Olu Priya Quentin Rosa Sven Tomáš Ursula Viktor Wei Ximena Yusuf Zoë")

var lastNames = strings.Fields("Abara Brontë Castro Dubois Eriksen Fischer García Hopper Ivanov Jensen Kowalski Lovelace Müller " +
	"Nakamura Okafor Petrov Quispe Rossi Singh Takahashi Usman Vega Wójcik Xu Yilmaz Zhang")

// fill imports n people in 40 teams, all with one password hash.
func fill(tb testing.TB, s *Store, n int) {
	tb.Helper()
	hash, err := s.hash.hash(context.Background(), "correct horse", time.Minute)
	if err != nil {
		tb.Fatal(err)
	}
	for done := 0; done < n; {
		var batch []NewUser
		for ; done < n && len(batch) < 20_000; done++ {
			first, last := firstNames[done%26], lastNames[done/26%26]
			batch = append(batch, NewUser{
				Username:     fmt.Sprintf("user%d", done),
				DisplayName:  fmt.Sprintf("%s %s %d", first, last, done),
				Team:         fmt.Sprintf("Team %02d", done%41),
				PasswordHash: hash,
			})
		}
		if _, err := s.Import(context.Background(), batch); err != nil {
			tb.Fatal(err)
		}
	}
}

func BenchmarkCrowd(b *testing.B) {
	s := open(b, Config{})
	start := time.Now()
	fill(b, s, crowd)
	b.Logf("imported %d people in %v", crowd, time.Since(start).Round(time.Millisecond))
	u, err := s.UserByName(b.Context(), "user5000")
	if err != nil {
		b.Fatal(err)
	}
	token, _, err := s.StartSession(b.Context(), SignIn{UserID: u.ID})
	if err != nil {
		b.Fatal(err)
	}
	people, _, err := s.People(b.Context(), PeopleQuery{})
	if err != nil {
		b.Fatal(err)
	}
	_, rev, err := s.Facts(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	run := func(name string, fn func(context.Context) error) {
		b.Run(name, func(b *testing.B) {
			ctx, cancel := context.WithCancel(b.Context()) // like that of a request
			defer cancel()
			b.ReportAllocs()
			for b.Loop() {
				if err := fn(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	page := func(q PeopleQuery) func(context.Context) error {
		return func(ctx context.Context) error {
			_, _, err := s.People(ctx, q)
			return err
		}
	}
	team := "Team 07"
	run("SessionByToken", func(ctx context.Context) error { _, _, err := s.SessionByToken(ctx, token); return err })
	run("UserByID", func(ctx context.Context) error { _, err := s.UserByID(ctx, u.ID); return err })
	run("People/first", page(PeopleQuery{}))
	run("People/deep", page(PeopleQuery{After: u.Cursor()}))
	run("People/back", page(PeopleQuery{Before: u.Cursor()}))
	run("People/team", page(PeopleQuery{Team: &team}))
	run("People/search one letter", page(PeopleQuery{Search: "a"}))
	run("People/search u", page(PeopleQuery{Search: "u"}))
	run("People/search name", page(PeopleQuery{Search: "ada love"}))
	run("People/search nobody", page(PeopleQuery{Search: "a zzz"}))
	run("PeopleByID/1", func(ctx context.Context) error { _, err := s.PeopleByID(ctx, []string{u.ID}); return err })
	ids := make([]string, len(people))
	for i, p := range people {
		ids[i] = p.ID
	}
	run("PeopleByID/200", func(ctx context.Context) error { _, err := s.PeopleByID(ctx, ids); return err })
	run("Tally", func(ctx context.Context) error { _, err := s.Tally(ctx); return err })
	run("Changes/none", func(ctx context.Context) error { _, err := s.Changes(ctx, rev); return err })
	run("Facts/none", func(ctx context.Context) error { _, _, err := s.Facts(ctx); return err })
	run("SetStatus", func(ctx context.Context) error { return s.SetStatus(ctx, u.ID, Status{Text: "Lunch"}, "") })
	run("StampSeen/200", func(ctx context.Context) error {
		seen := map[string]time.Time{}
		for _, id := range ids {
			seen[id] = time.Now()
		}
		return s.StampSeen(ctx, seen)
	})
}
