package accounts

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// People's programs may read the JSON, so its names and formats must not change.
func TestExport(t *testing.T) { onEach(t, testExport) }

func testExport(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	u, err := s.Create(t.Context(),
		NewUser{Username: "ada", DisplayName: "Ada L", Team: "Ops", Password: secret, Admin: true})
	do(t, "Create", err)
	c.add(1500 * time.Millisecond)
	do(t, "AddPasskey", s.AddPasskey(t.Context(), newPasskey(u.ID, "credential"), once(db.name)))
	withTOTP(t, s, u.ID)
	token, _, err := s.StartSession(t.Context(), SignIn{UserID: u.ID, UserAgent: "Firefox", Address: "192.0.2.1",
		Method: ByPasskey, Factors: FactorPasskey,
		Used: Used{RecoveryCode: "one", Passkey: &PasskeyUse{Credential: "credential", Eligible: true, BackedUp: true}}})
	do(t, "StartSession", err)
	browser, err := s.RememberBrowser(t.Context(), u.ID, "")
	do(t, "RememberBrowser", err)
	do(t, "SetStatus", s.SetStatus(t.Context(), u.ID, Status{Emoji: "🎧"}, ""))
	do(t, "SetStatus", s.SetStatus(t.Context(), u.ID,
		Status{State: "away", Text: "Lunch", Emoji: "🍜", Until: c.now().Add(time.Hour)}, Lasts1Hour))
	do(t, "SetInvisible", s.SetInvisible(t.Context(), u.ID, true))
	do(t, "StampSeen", s.StampSeen(t.Context(), map[string]time.Time{u.ID: c.now()}))
	do(t, "SetPreferences", setPreferences(t.Context(), s, u.ID, Preferences{IdleAfter: 20 * time.Minute, ShowLastSeen: Exact,
		TimeZone: "Europe/Berlin", Theme: "dark", Announce: true}))
	do(t, "SetDetails", setDetails(t.Context(), s, u.ID,
		Details{Pronouns: "she/her", Contacts: []string{"+49 (431) 1-2"}, ShareTime: true, NoAlerts: true}))
	bob := add(t, s, "bob", "", "")
	do(t, "SetFavorite", s.SetFavorite(t.Context(), u.ID, bob.ID, true))
	do(t, "SetAlert", s.SetAlert(t.Context(), u.ID, bob.ID, AlertFree))
	do(t, "PutClaim", second3(s.PutClaim(t.Context(), u.ID, Claim{Key: "build", State: "dnd", Text: "Building", Emoji: "🔨",
		Until: c.now().Add(2 * time.Hour), Token: "token-1"}, time.Hour)))
	do(t, "Link", s.Link(t.Context(), u.ID, corp("ada-1")))
	lamp, _, err := s.CreateToken(t.Context(), NewToken{UserID: u.ID, Name: "Lamp", Scopes: []Scope{ReadMe}})
	do(t, "CreateToken", err)
	_, _, err = s.MakeShare(t.Context(), u.ID, NewShare{Kind: EmbedShare, Label: "Wiki", Team: "Ops", Counts: true,
		Origins: []string{"https://wiki.example/"}, Days: 1})
	do(t, "MakeShare", err)
	h := addHook(t, s, u.ID, HookWish{About: AboutOneTeam, Team: "Ops"})
	whsec, err := s.RotateHook(t.Context(), u.ID, h.ID)
	do(t, "RotateHook", err)
	do(t, "AddTest", s.AddTest(t.Context(), h, Delivery{At: c.now(), Event: TestEvent, Tries: 1, Status: 204,
		Took: 12 * time.Millisecond}))
	const now = `"2026-03-01T12:00:01.5Z"`
	want := `{"account":{"id":"` + u.ID +
		`","username":"ada","display_name":"Ada L","team":"Ops","pronouns":"she/her","contacts":["tel:+4943112"],"email":"","admin":true,"disabled":false,` +
		`"created_at":"2026-03-01T12:00:00Z"},"settings":{"idle_after_minutes":20,"show_last_seen":"exact","time_zone":"Europe/Berlin",` +
		`"share_local_time":true,"public_pages":false,"allow_alerts":false,"theme":"dark","announce":true,"invisible":true,"invisible_since":` +
		now + `},"status":{"state":"away","text":"Lunch",` +
		`"emoji":"🍜","until":"2026-03-01T13:00:01.5Z","set_at":` + now +
		`},"presets":[{"state":"away","text":"Lunch","emoji":"🍜",` +
		`"lasts":"1h"},{"state":"","text":"","emoji":"🎧","lasts":""}],"favorites":["bob"],` +
		`"alerts":[{"username":"bob","for":"free","asked_at":` + now +
		`,"expires_at":"2026-03-08T12:00:01.5Z"}],"claims":[{"name":"build","state":"dnd","text":"Building","emoji":"🔨",` +
		`"until":"2026-03-01T14:00:01.5Z","ends_at":"2026-03-01T13:00:01.5Z","set_at":` + now + `,"token":"token-1"}],"sessions":[{"browser":"Firefox","address":"192.0.2.1",` +
		`"created_at":` + now + `,"last_used_at":` + now +
		`,"expires_at":"2026-03-31T12:00:01.5Z","method":"passkey","factors":"passkey","proved_at":` + now +
		`}],"known_browsers":[{"signed_in_at":` +
		now + `}],"passkeys":[{"name":"My phone","host":"board.example","model":"model","transports":"internal",` +
		`"can_be_synced":true,"synced":true,"created_at":` + now + `,"last_used_at":` + now +
		`}],"authenticator_app":{"added_at":` + now + `,"recovery_codes_left":1,"recovery_codes_used":[` + now +
		`],"recovery_codes_created_at":` + now + `},"tokens":[{"name":"Lamp","scopes":["me:read"],"created_at":` + now + `,"expires_at":"2026-05-30T12:00:01.5Z"}],"identities":[{"provider":"corp","issuer":"https://login.example","subject":"ada-1","label":"ada@example.com",` +
		`"created_at":` + now + `,"last_used_at":` + now + `}],` +
		`"shares":[{"kind":"embed","name":"Wiki","team":"Ops","only_counts":true,"texts":false,"origins":["https://wiki.example"],` +
		`"created_on":"2026-03-01T00:00:00Z","expires_at":"2026-03-03T00:00:00Z"}],` +
		`"webhooks":[{"name":"Lamp","url":"https://hooks.example/in","format":"standard",` +
		`"about":"team","team":"Ops","states":true,"texts":false,"settle_seconds":30,"created_at":` + now + `,"rotated_at":` + now +
		`,"deliveries":[{"at":` + now + `,"event":"test","try":1,"status":204,"took_ms":12}]}],"webhooks_about_me":0,"people_with_webhooks_about_me":0,` +
		`"acts":[{"at":` + now + `,"action":"hook.rotate","by":"system","detail":{"about":"team","format":"standard"}},` +
		`{"at":` + now + `,"action":"hook.create","by":"system","detail":{"about":"team","format":"standard"}},{"at":` + now + `,"action":"share.create","by":"system","detail":{"kind":"embed"}},{"at":` + now + `,"action":"token.create","by":"system","detail":{"scopes":"me:read"}},{"at":` + now + `,"action":"identity.link","by":"system",` +
		`"detail":{"provider":"corp"}},{"at":"2026-03-01T12:00:00Z","action":"user.create","by":"system"}],"last_seen":` + now + `}`
	got := wantExport(t, s, u.ID, want)
	tokenKey, _ := tokenHash(token)
	browserKey, _ := tokenHash(browser)
	for _, hidden := range []string{token, lamp, hashToken([]byte(lamp)), browser, tokenKey, browserKey, storedHash(t, s, u.ID), "argon2", "credential", "sealed",
		`"key"`, `"one"`, whsec, h.Secret} {
		if strings.Contains(got, hidden) {
			t.Errorf("Export holds the secret %s", hidden)
		}
	}
}

// wantExport compares a person's Export as JSON.
func wantExport(t *testing.T, s *Store, userID, want string) string {
	t.Helper()
	x, err := s.Export(t.Context(), userID)
	do(t, "Export", err)
	got, err := json.Marshal(x)
	if err != nil || string(got) != want {
		t.Errorf("Export = %s, %v, want %s", got, err, want)
	}
	return string(got)
}

// In the Export of somebody with nothing but an account, lists are empty and times are missing.
func TestExportOfNewAccount(t *testing.T) { onEach(t, testExportOfNewAccount) }

func testExportOfNewAccount(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	u := add(t, s, "ada", "", "")
	add(t, s, "bob", "", "")
	do(t, "SetPreferences", setPreferences(t.Context(), s, u.ID, Preferences{IdleAfter: neverIdle}))
	do(t, "SetDisabled", s.SetDisabled(t.Context(), u.ID, true))
	wantExport(t, s, u.ID, `{"account":{"id":"`+u.ID+`","username":"ada","display_name":"ada","team":"","pronouns":"","contacts":[],"email":"","admin":false,"disabled":true,`+
		`"created_at":"2026-03-01T12:00:00Z"},"settings":{"idle_after_minutes":-1,"show_last_seen":"approximate","time_zone":"",`+
		`"share_local_time":false,"public_pages":false,"allow_alerts":true,"theme":"system","announce":false,"invisible":false},"status":null,"presets":[],"favorites":[],"alerts":[],"claims":[],"sessions":[],"known_browsers":[],"passkeys":[],"authenticator_app":null,"tokens":[],"identities":[],"shares":[],"webhooks":[],"webhooks_about_me":0,"people_with_webhooks_about_me":0,`+
		`"acts":[{"at":"2026-03-01T12:00:00Z","action":"user.disable","by":"system"},`+
		`{"at":"2026-03-01T12:00:00Z","action":"user.create","by":"system"}]}`)
	_, err := s.Export(t.Context(), "nobody")
	wantErr(t, "Export(nobody)", err, ErrNotFound)
}

// Every column is in the Export or listed here as left out. If you add one, decide here, and describe it on the page
// about stored data.
func TestExportHasEverything(t *testing.T) {
	exported := map[string]string{
		"users": "id username_key display_name team last_seen admin disabled idle_after status_state status_text status_emoji status_until " +
			"status_set_at invisible invisible_since created_at time_zone theme show_last_seen announce pronouns contacts share_time no_alerts public_pages email " +
			"admin_by team_by",
		"sessions":       "created_at expires_at used_at user_agent address unnoticed method factors proved_at provider",
		"tokens":         "name scopes parent created_at expires_at used_at",
		"passkeys":       "rp_id eligible backed_up aaguid transports label created_at used_at",
		"totp":           "confirmed_at",
		"recovery_codes": "used_at made_at",
		"identities":     "issuer subject provider label created_at used_at",
		"known_browsers": "used_at new_since",
		"presets":        "state text emoji lasts",
		"favorites":      "person_id",
		"alerts":         "person_id kind asked_at expires_at told_at",
		"claims":         "key state text emoji until ends_at set_at token_id",
		"audit":          "at action actor address detail",
		"shares":         "kind label team counts texts origins created_at expires_at used_at",
		"hooks": "label url format about team person_id states texts settle old_secret_until stopped stopped_at fails_since " +
			"created_at",
		"deliveries": "at event tries status ms reason",
	}
	leftOut := map[string]string{
		"users": "sort_key name_key team_key rev password_hash favorites_rev " + // derived from the names; numbers; a hash
			"waiting_since join_note " + // only of people who can't sign in yet
			"email_key handle",
		"sessions":       "id token_hash user_id provider_session",
		"tokens":         "id token_hash user_id",
		"identities":     "user_id",
		"passkeys":       "credential user_id public_key sign_count",
		"totp":           "user_id sealed key_id last_step",
		"recovery_codes": "user_id hash",
		"spent":          "hash expires_at", // hashes of random values
		"mails":          "id kind user_id argument tries next_at taken_until queued_at expires_at",
		"known_browsers": "token_hash user_id session_id",
		"presets":        "id user_id rev",
		"favorites":      "user_id created_at",
		"alerts":         "user_id rev",
		"claims":         "user_id",
		"audit":          "id via target request",
		"shares":         "id token_hash user_id public_key",
		"settings":       "name value rev",                                                                        // of the board
		"links":          "token_hash kind user_id team label uses uses_left made_by created_at expires_at email", // of the board
		"team_pairs":     "team_key other_key team other paired_at",                                               // of the board
		"hooks":          "id user_id team_key secret old_secret failures probe_at delivered ready version",
		"told":           "hook_id person_id state unsure event_id event_state body tries due", // what a receiver knows anyway
		"deliveries":     "hook_id n",
		"leases":         "name owner held_until",
		"search_words":   "word sort_key",          // derived from the names
		"tombstones":     "rev kind id deleted_at", // of deleted users and ended sessions
		"meta":           "name value label", "schema_migrations": "version name at",
	}
	s := open(t, Config{})
	rows, err := s.r.query(t.Context(),
		`SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'`)
	do(t, "Query", err)
	type column struct{ table, name string }
	columns, err := collect(rows, func(c *column) []any { return []any{&c.table, &c.name} })
	do(t, "collect", err)
	got := map[string][]string{}
	for _, c := range columns {
		got[c.table] = append(got[c.table], c.name)
	}
	for _, table := range slices.Sorted(maps.Keys(got)) {
		want := strings.Fields(exported[table] + " " + leftOut[table])
		slices.Sort(got[table])
		if slices.Sort(want); !slices.Equal(got[table], want) {
			t.Errorf("columns of %s = %v, want %v, each exported or left out", table, got[table], want)
		}
	}
}
