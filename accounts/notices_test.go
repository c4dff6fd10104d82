package accounts

import (
	"context"
	"testing"
)

// mailbox reads the emails that wait about one user.
type mailbox struct {
	t      *testing.T
	store  *Store
	userID string
}

// want checks that one email is due, which it takes.
func (b mailbox) want(what string, kind MailKind, d MailDetails) {
	b.t.Helper()
	if m := take(b.t, b.store); m.Kind != kind || m.UserID != b.userID || m.Details != d {
		b.t.Errorf("%s: TakeMail = %+v, want %s with %+v", what, m, kind, d)
	} else {
		do(b.t, "DropMail", b.store.DropMail(b.t.Context(), m.ID))
	}
}

// People get an email when they get or lose a way to sign in, or when a recovery code is used. A change that is refused
// or changes nothing causes none.
func TestFactorNotices(t *testing.T) { onEach(t, testFactorNotices) }

func testFactorNotices(t *testing.T, db database) {
	s, c := mailing(t, db)
	ctx := t.Context()
	ada := add(t, s, "ada", "", "")
	withAddress(t, s, ada, "ada@example.org")
	box, offered := mailbox{t, s, ada.ID}, Ways{RPID: "board.example", Providers: []string{"corp"}}

	do(t, "AddPasskey", s.AddPasskey(ctx, newPasskey(ada.ID, "cred"), Once{"a", c.now().Add(mailTake)}))
	box.want("a new passkey", MailFactorAdded, MailDetails{Factor: PasskeyFactor, Label: "My phone"})
	do(t, "Link", s.Link(ctx, ada.ID, corp("ada-1")))
	box.want("a new identity", MailFactorAdded, MailDetails{Factor: LinkedFactor, Label: "corp"})
	do(t, "Link", s.Link(ctx, ada.ID, corp("ada-1")))
	none(t, s, "an identity that's linked already")
	withTOTP(t, s, ada.ID)
	box.want("a new app", MailFactorAdded, MailDetails{Factor: AppFactor})
	do(t, "ReplaceRecoveryCodes", s.ReplaceRecoveryCodes(ctx, ada.ID, []string{"one", "two"}))
	box.want("new recovery codes", MailCodesRenewed, MailDetails{})
	if w, err := s.OwnWays(ctx, ada.ID); err != nil || !w.CodesMade.Equal(c.now()) {
		t.Errorf("OwnWays says that the codes were made at %v, %v, want %v", w.CodesMade, err, c.now())
	}

	_, session, err := s.StartSession(ctx, SignIn{UserID: ada.ID, Used: Used{RecoveryCode: "one"}})
	do(t, "StartSession", err)
	box.want("a sign-in with a recovery code", MailCodeUsed, MailDetails{Left: 1})
	wantErr(t, "the same code", second3(s.StartSession(ctx, SignIn{UserID: ada.ID, Used: Used{RecoveryCode: "one"}})), ErrCodeUsed)
	none(t, s, "a refused code")
	do(t, "Prove", second(s.Prove(ctx, ada.ID, session.ID, Proof{Factors: FactorPasswordAndCode, Used: Used{RecoveryCode: "two"}})))
	box.want("a proof with a recovery code", MailCodeUsed, MailDetails{})

	do(t, "RemoveTOTP", s.RemoveTOTP(ctx, ada.ID))
	box.want("a removed app", MailFactorRemoved, MailDetails{Factor: AppFactor})
	do(t, "RemoveTOTP", s.RemoveTOTP(ctx, ada.ID))
	none(t, s, "no app to remove")
	do(t, "Unlink", s.Unlink(ctx, ada.ID, corp("ada-1").ID(), "", offered))
	box.want("an unlinked identity", MailFactorRemoved, MailDetails{Factor: LinkedFactor, Label: "corp"})
	do(t, "dropPassword", dropPassword(s, ada.ID))
	wantErr(t, "RemovePasskey of the last way in", s.RemovePasskey(ctx, ada.ID, "cred", offered), ErrLastWayIn)
	none(t, s, "a passkey that stays")
	do(t, "SetPassword", s.SetPassword(ctx, ada.ID, "another phrase", ""))
	box.want("a new password", MailPasswordChanged, MailDetails{})
	do(t, "RemovePasskey", s.RemovePasskey(ctx, ada.ID, "cred", offered))
	box.want("a removed passkey", MailFactorRemoved, MailDetails{Factor: PasskeyFactor, Label: "My phone"})

	do(t, "ResetFactors", s.ResetFactors(ctx, ada.ID))
	none(t, s, "nothing to reset")
	withTOTP(t, s, ada.ID)
	box.want("a new app", MailFactorAdded, MailDetails{Factor: AppFactor})
	do(t, "ResetFactors", s.ResetFactors(ctx, ada.ID))
	box.want("a reset", MailFactorRemoved, MailDetails{Factor: AllFactors})
}

// An administrator who changes an address tells both addresses.
func TestAddressNotices(t *testing.T) { onEach(t, testAddressNotices) }

func testAddressNotices(t *testing.T, db database) {
	s, _ := mailing(t, db)
	ada := add(t, s, "ada", "", "")
	box := mailbox{t, s, ada.ID}
	set := func(ctx context.Context, email string) {
		t.Helper()
		do(t, "SetEmail", s.SetEmail(ctx, ada.ID, email))
	}
	set(t.Context(), "old@example.org")
	box.want("the first address", MailAddressGiven, MailDetails{To: "old@example.org"})
	set(t.Context(), "old@example.org")
	none(t, s, "the same address")
	set(t.Context(), "new@example.org")
	box.want("the address before", MailAddressTaken, MailDetails{To: "old@example.org"})
	box.want("the new address", MailAddressGiven, MailDetails{To: "new@example.org"})
	set(t.Context(), "")
	box.want("a removed address", MailAddressTaken, MailDetails{To: "new@example.org"})
	none(t, s, "no address")
	do(t, "ChangeUser", s.ChangeUser(t.Context(), ada.ID, UserChange{Email: new("old@example.org")}))
	box.want("an address that a program set", MailAddressGiven, MailDetails{To: "old@example.org"})
	do(t, "ChangeUser", s.ChangeUser(t.Context(), ada.ID, UserChange{Email: new("new@example.org"), DisplayName: new("Ada")}))
	box.want("the address before", MailAddressTaken, MailDetails{To: "old@example.org"})
	box.want("the new address", MailAddressGiven, MailDetails{To: "new@example.org"})
}
