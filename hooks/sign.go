package hooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"rollcall/accounts"
)

// The headers of Standard Webhooks 1.0.0.
const (
	headerID        = "webhook-id"
	headerTimestamp = "webhook-timestamp"
	headerSignature = "webhook-signature"
)

// sign returns the signatures of a message, one for each secret that is valid.
func sign(s accounts.HookSecrets, id string, at time.Time, body []byte) string {
	all := []string{signature(s.Secret, id, at, body)}
	if s.Old != "" && at.Before(s.OldUntil) {
		all = append(all, signature(s.Old, id, at, body))
	}
	return strings.Join(all, " ")
}

func signature(secret, id string, at time.Time, body []byte) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		panic("hooks: a stored secret isn't base64")
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
