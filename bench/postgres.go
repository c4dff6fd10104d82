package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"rollcall/accounts/pgtest"
)

// postgres is our own Postgres, for boards that are too large to import from a file. It listens only on the loopback
// interface and runs without durability, which matters for writes but not for reads.
type postgres struct {
	server   *pgtest.Server
	database string
}

// newPostgres starts a Postgres with an empty database.
func newPostgres() (_ *postgres, err error) {
	s, err := pgtest.Start()
	if err != nil {
		return nil, fmt.Errorf("start Postgres: %w", err)
	}
	defer func() {
		if err != nil {
			s.Stop()
		}
	}()
	for _, setting := range []string{"shared_buffers = '512MB'", "max_wal_size = '4GB'"} {
		if err := s.Exec("postgres", "ALTER SYSTEM SET "+setting); err != nil {
			return nil, err
		}
	}
	if err := s.Restart(func() {}); err != nil {
		return nil, err
	}
	database, err := s.Create("")
	return &postgres{s, database}, err
}

func (p *postgres) url() string { return p.server.URL(p.database) }

// run runs statements one after another.
func (p *postgres) run(ctx context.Context, statements ...string) error {
	conn, err := pgx.Connect(ctx, p.url())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s[:min(len(s), 60)], err)
		}
	}
	return nil
}

func (p *postgres) close() error {
	p.server.Stop()
	return nil
}

// makePostgres starts a Postgres for our own servers.
func makePostgres(b *bench) (err error) {
	if !b.postgres {
		return nil
	}
	b.tell("starting Postgres")
	if b.pg, err = newPostgres(); err != nil {
		return errors.Join(err, errors.New("million, many and -postgres need its programs: apt-get install postgresql"))
	}
	return nil
}
