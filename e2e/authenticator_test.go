package e2e_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	endian "encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
)

// totp returns the code of an authenticator app (RFC 6238), some steps of 30 s from now. key is base32, perhaps in groups.
func totp(t *testing.T, key string, ahead int64) string {
	t.Helper()
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(strings.Join(strings.Fields(key), "")))
	if err != nil {
		t.Fatalf("the page shows the key %q: %v", key, err)
	}
	mac := hmac.New(sha1.New, secret)
	_ = endian.Write(mac, endian.BigEndian, time.Now().Unix()/30+ahead)
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", endian.BigEndian.Uint32(sum[at:at+4])&0x7fffffff%1_000_000)
}
