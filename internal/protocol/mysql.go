package protocol

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"strconv"

	"github.com/go-sql-driver/mysql"
)

// accessDenied is ER_ACCESS_DENIED_ERROR of the server's error reference.
const accessDenied = 1045

type mysqlClient struct {
	db   *sql.DB
	conn *sql.Conn
}

func openMySQL(ctx context.Context, l Login) (Client, error) {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.DBName = l.User, l.Password, l.Database
	c.Net, c.Addr, c.MultiStatements = "tcp", "endpoint", true
	c.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return l.Dial(ctx) }
	c.Logger = &mysql.NopLogger{}
	secured, err := l.Trust.config()
	if err != nil {
		return nil, err
	}
	c.TLS = secured
	made, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(made)
	conn, err := db.Conn(ctx)
	if err != nil {
		db.Close()
		return nil, l.Trust.explained(refusedMySQL(err))
	}
	return mysqlClient{db, conn}, nil
}

func (c mysqlClient) Run(ctx context.Context, statements string, to Results) error {
	rows, err := c.conn.QueryContext(ctx, statements)
	if err != nil {
		return refusedMySQL(err)
	}
	defer rows.Close()
	for {
		names, err := rows.Columns()
		if err != nil {
			return err
		}
		to.Columns(names)
		cells := make([]sql.NullString, len(names))
		into, values := make([]any, len(names)), make([]*string, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				return err
			}
			for i := range cells {
				if values[i] = nil; cells[i].Valid {
					values[i] = &cells[i].String
				}
			}
			to.Row(values)
		}
		if !rows.NextResultSet() {
			return refusedMySQL(rows.Err())
		}
	}
}

func (c mysqlClient) Close() {
	c.conn.Close()
	c.db.Close()
}

func refusedMySQL(err error) error {
	var no *mysql.MySQLError
	if errors.As(err, &no) {
		return &Refused{Err: err, Code: strconv.Itoa(int(no.Number)), Login: no.Number == accessDenied}
	}
	return err
}
