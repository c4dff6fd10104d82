package command

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"unicode"

	"rollcall/handlers"
	"rollcall/presence/replica"
)

// maxRedisPrefix limits the length of the prefix in bytes, because it's part of every key.
const maxRedisPrefix = 100

// sharing holds the settings of the Redis that replicas share.
type sharing struct {
	RedisPrefix string `group:"Replicas (with REDIS_URL):" variable:"ROLLCALL_REDIS_PREFIX" default:"rollcall:" help:"Prefix of every key in Redis. Boards that share a Redis need different prefixes."`
	RedisCA     string `group:"Replicas (with REDIS_URL):" variable:"ROLLCALL_REDIS_CA" placeholder:"FILE" help:"File with certificates (PEM). With rediss://, the certificate of Redis must be issued by one of them. If not set, the certificates that this system trusts count."`

	RedisURL secret `kong:"-"` // REDIS_URL or REDIS_URL_FILE

	authorities *x509.CertPool // from RedisCA; nil: those of the system
}

// check reads the secret and the certificates, and returns an error if a setting is invalid. It connects to nothing.
func (s *sharing) check(env environment) (err error) {
	if s.RedisURL, err = env.secret("REDIS_URL"); err != nil {
		return err
	}
	if s.RedisURL != "" {
		if err := replica.CheckURL(string(s.RedisURL)); err != nil {
			return err
		}
	}
	if p := s.RedisPrefix; p == "" || len(p) > maxRedisPrefix || strings.ContainsFunc(p, unicode.IsSpace) {
		return fmt.Errorf("--redis-prefix %q: write 1 to %d characters without spaces", p, maxRedisPrefix)
	}
	return s.checkCA()
}

func (s *sharing) checkCA() error {
	if s.RedisCA == "" {
		return nil
	}
	if scheme, _, _ := strings.Cut(string(s.RedisURL), ":"); scheme != "rediss" && scheme != "valkeys" {
		return errors.New("--redis-ca is set, but REDIS_URL doesn't begin with rediss://, so the connection has no TLS")
	}
	text, err := os.ReadFile(s.RedisCA)
	if err != nil {
		return fmt.Errorf("--redis-ca: %w", err)
	}
	s.authorities = x509.NewCertPool()
	if !s.authorities.AppendCertsFromPEM(text) {
		return fmt.Errorf("--redis-ca %s: no certificate in it", s.RedisCA)
	}
	return nil
}

// replicas returns the configuration of the connection to Redis. accounts is the ID of the accounts store.
func (s *sharing) replicas(accounts string, log *slog.Logger) replica.Config {
	return replica.Config{
		URL: string(s.RedisURL), Authorities: s.authorities, Prefix: s.RedisPrefix, Accounts: accounts, Log: log,
		Check: handlers.CheckSharedLimiter(s.RedisPrefix),
	}
}
