package protocol

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// SQLSTATEs of PostgreSQL's appendix A, class 28, for a login that is not taken.
const (
	invalidAuthorization = "28000"
	invalidPassword      = "28P01"
)

// goodbye is how long the end of a session may take.
const goodbye = time.Second

// postgresClient uses the protocol's simple queries (52.2.3 of PostgreSQL 15's manual), as psql does:
// several statements in one text, and values as the server prints them. database/sql has neither.
type postgresClient struct{ conn *pgconn.PgConn }

func openPostgres(ctx context.Context, l Login) (Client, error) {
	// a Config is only made by its parser, which reads PGHOST and its like: all that matters is set after it
	c, err := pgconn.ParseConfig("host=endpoint port=5432 user=haprov password=none sslmode=disable target_session_attrs=any")
	if err != nil {
		return nil, err
	}
	c.User, c.Password, c.Database = l.User, l.Password, l.Database
	c.Fallbacks = nil
	if c.TLSConfig, err = l.Trust.config(); err != nil {
		return nil, err
	}
	c.RuntimeParams = map[string]string{"application_name": "haprov", "client_encoding": "UTF8"}
	c.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	c.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return l.Dial(ctx) }
	conn, err := pgconn.ConnectConfig(ctx, c)
	if err != nil {
		return nil, l.Trust.explained(refusedPostgres(err))
	}
	return postgresClient{conn}, nil
}

func (c postgresClient) Run(ctx context.Context, statements string, to Results) error {
	all := c.conn.Exec(ctx, statements)
	for all.NextResult() {
		result := all.ResultReader()
		var names []string
		for _, f := range result.FieldDescriptions() {
			names = append(names, f.Name)
		}
		to.Columns(names)
		values := make([]*string, len(names))
		for result.NextRow() {
			for i, v := range result.Values() {
				if values[i] = nil; v != nil {
					text := string(v)
					values[i] = &text
				}
			}
			to.Row(values)
		}
		if _, err := result.Close(); err != nil {
			all.Close() // it says the same
			return refusedPostgres(err)
		}
	}
	return refusedPostgres(all.Close())
}

// Close says goodbye, for as long as it may take: a server that is gone hears nothing.
func (c postgresClient) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	c.conn.Close(ctx)
}

func refusedPostgres(err error) error {
	var no *pgconn.PgError
	if errors.As(err, &no) {
		return &Refused{Err: no, Code: no.Code, Login: no.Code == invalidPassword || no.Code == invalidAuthorization}
	}
	return err
}
