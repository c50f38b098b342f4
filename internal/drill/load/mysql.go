package load

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	"haprov/internal/drill/history"
)

// Accounts and registers of a run.
const (
	accounts = 8
	deposit  = 100
	keys     = 6
)

// connector makes connections to the target, one try each.
func (t Target) connector() (driver.Connector, error) {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.DBName = t.User, t.Password, t.Database
	c.Net, c.Addr = "tcp", "endpoint"
	c.Timeout, c.ReadTimeout, c.WriteTimeout = connectTime, answerTime, answerTime
	c.InterpolateParams = true
	c.Logger = &mysql.NopLogger{}
	c.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, connectTime)
		defer cancel()
		return t.Dial(ctx)
	}
	return mysql.NewConnector(c)
}

// Prepare makes the tables. They are made once and never dropped: a power cut within seconds of a DROP
// TABLE can cost InnoDB its recovery. Rows of earlier runs are deleted.
func Prepare(ctx context.Context, t Target) error {
	made, err := t.connector()
	if err != nil {
		return err
	}
	db := sql.OpenDB(made)
	defer db.Close()
	do := func(text string, args ...any) {
		if err == nil {
			if _, err = db.ExecContext(ctx, text, args...); err != nil {
				err = fmt.Errorf("%s: %w", strings.Join(strings.Fields(text)[:2], " "), err)
			}
		}
	}
	do("CREATE TABLE IF NOT EXISTS added (id BIGINT PRIMARY KEY, host VARCHAR(64)) ENGINE=InnoDB")
	do("CREATE TABLE IF NOT EXISTS probed (client INT PRIMARY KEY, said BIGINT) ENGINE=InnoDB")
	do("CREATE TABLE IF NOT EXISTS register (k INT PRIMARY KEY, v BIGINT) ENGINE=InnoDB")
	do("CREATE TABLE IF NOT EXISTS account (id INT PRIMARY KEY, balance BIGINT NOT NULL) ENGINE=InnoDB")
	do("DELETE FROM added")
	for k := range keys {
		do("REPLACE INTO register VALUES (?, 0)", k)
	}
	for i := range accounts {
		do("REPLACE INTO account VALUES (?, ?)", i, deposit)
	}
	return err
}

// Balances reads the accounts through the endpoint.
func Balances(ctx context.Context, t Target) ([]string, error) {
	made, err := t.connector()
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(made)
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return texts(ctx, conn, "SELECT balance FROM account ORDER BY id")
}

// asker is what a statement is given to: a connection or a transaction.
type asker interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

func texts(ctx context.Context, on asker, text string, args ...any) (out []string, err error) {
	rows, err := on.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// session is one connection, made when it is needed and given up after any error: nothing is tried
// again behind the client's back.
type session struct {
	target Target
	db     *sql.DB
	conn   *sql.Conn
	server string
}

// connect is refused for certain: whatever was to be done over it is not done.
type connect struct{ error }

func (c connect) Unwrap() error { return c.error }

func (s *session) open(ctx context.Context) error {
	if s.conn != nil {
		return nil
	}
	made, err := s.target.connector()
	if err != nil {
		return connect{err}
	}
	s.db = sql.OpenDB(made)
	s.db.SetMaxOpenConns(1)
	if s.conn, err = s.db.Conn(ctx); err == nil {
		var who []string
		if who, err = texts(ctx, s.conn, "SELECT @@hostname"); err == nil && len(who) == 1 {
			s.server = who[0]
		}
	}
	if err != nil {
		s.close()
		return connect{err}
	}
	return nil
}

func (s *session) close() {
	if s.conn != nil {
		s.conn.Close()
	}
	if s.db != nil {
		s.db.Close()
	}
	s.conn, s.db, s.server = nil, nil, ""
}

// with does one operation over the session. It has the time of an answer, however the load ends.
func (s *session) with(ctx context.Context, o *history.Op, open func(), do func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTime+answerTime)
	defer cancel()
	open()
	err := s.open(ctx)
	o.Server = s.server
	if err == nil {
		err = do(ctx)
	}
	o.Outcome, o.Class, o.Code = judged(err)
	var no *mysql.MySQLError
	if err != nil && !(errors.As(err, &no) && o.Outcome == history.Fail && no.Number == 1213) {
		s.close()
	}
}

// rolledBack are the server's answers after which nothing of the statement is done: a lock time-out
// (innodb_rollback_on_timeout or not, a statement alone is undone), a deadlock or lost certification,
// no primary component, read only, not allowed in this state.
// https://mariadb.com/kb/en/mariadb-error-code-reference/
var rolledBack = map[uint16]bool{1205: true, 1213: true, 1047: true, 1290: true, 1836: true, 1020: true}

// judged says what is known after an error. What is not certainly undone is unknown.
func judged(err error) (history.Outcome, string, int) {
	var no *mysql.MySQLError
	var c connect
	var timeout net.Error
	code := 0
	if errors.As(err, &no) {
		code = int(no.Number)
	}
	class := "lost"
	switch {
	case err == nil:
		return history.OK, "", 0
	case errors.Is(err, errUnmet):
		return history.Fail, "unmet", 0
	case errors.As(err, &no):
		class = "server"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		class = "timeout"
	case errors.As(err, &c):
		class = "refused"
	case errors.Is(err, io.EOF), errors.Is(err, driver.ErrBadConn), errors.Is(err, mysql.ErrInvalidConn):
		class = "lost"
	}
	if errors.As(err, &c) || no != nil && rolledBack[no.Number] {
		return history.Fail, class, code
	}
	return history.Info, class, code
}

// errUnmet: the value of a compare-and-set was another one.
var errUnmet = errors.New("unmet")

// adder inserts rows, each alone.
type adder struct {
	session
	l *Load
}

func (a *adder) do(ctx context.Context, o *history.Op, _ *rand.Rand, open func()) {
	id := a.target.Run<<24 | a.l.seq.Add(1)
	o.In = strconv.FormatInt(id, 10)
	a.with(ctx, o, open, func(ctx context.Context) error {
		_, err := a.conn.ExecContext(ctx, "INSERT INTO added VALUES (?, @@hostname)", id)
		return err
	})
}

// prober is a new client each time.
type prober struct{ session }

func (p *prober) do(ctx context.Context, o *history.Op, _ *rand.Rand, open func()) {
	defer p.close()
	p.with(ctx, o, open, func(ctx context.Context) error {
		_, err := p.conn.ExecContext(ctx, "REPLACE INTO probed VALUES (?, ?)", o.Client, o.Call)
		return err
	})
}

// registrar reads, writes and compares-and-sets a few values.
type registrar struct {
	session
	last [keys]string // what it saw there
}

func (r *registrar) do(ctx context.Context, o *history.Op, random *rand.Rand, open func()) {
	k := random.IntN(keys)
	o.Key = strconv.Itoa(k)
	value := strconv.FormatInt(int64(o.Client)<<32|int64(o.Seq), 10)
	how := random.IntN(4)
	if how == 3 && r.last[k] == "" {
		how = 0
	}
	switch how {
	case 0, 1:
		o.Do = "read"
		r.with(ctx, o, open, func(ctx context.Context) error {
			// a locking read: the latest value, not the snapshot's
			got, err := texts(ctx, r.conn, "SELECT v FROM register WHERE k = ? LOCK IN SHARE MODE", k)
			if err == nil && len(got) == 1 {
				o.Out, r.last[k] = got[0], got[0]
			}
			return err
		})
	case 2:
		o.Do, o.In = "write", value
		r.with(ctx, o, open, func(ctx context.Context) error {
			_, err := r.conn.ExecContext(ctx, "UPDATE register SET v = ? WHERE k = ?", value, k)
			return err
		})
	default:
		o.Do, o.In = "cas", r.last[k]+" "+value
		r.with(ctx, o, open, func(ctx context.Context) error {
			done, err := r.conn.ExecContext(ctx, "UPDATE register SET v = ? WHERE k = ? AND v = ?", value, k, r.last[k])
			if err != nil {
				return err
			}
			if n, err := done.RowsAffected(); err != nil || n == 0 {
				return errors.Join(errUnmet, err)
			}
			return nil
		})
	}
}

// teller moves money between accounts, and now and then reads them all.
type teller struct{ session }

func (x *teller) do(ctx context.Context, o *history.Op, random *rand.Rand, open func()) {
	if random.IntN(4) == 0 {
		o.Do = "balance"
		x.with(ctx, o, open, func(ctx context.Context) error {
			got, err := texts(ctx, x.conn, "SELECT balance FROM account ORDER BY id")
			o.Out = strings.Join(got, " ")
			return err
		})
		return
	}
	from, to, sum := random.IntN(accounts), random.IntN(accounts-1), 1+random.IntN(5)
	if to >= from {
		to++
	}
	o.Do, o.In = "transfer", fmt.Sprintf("%d %d %d", from, to, sum)
	x.with(ctx, o, open, func(ctx context.Context) error {
		tx, err := x.conn.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		// in the accounts' order, so that two tellers do not wait for each other
		have, err := texts(ctx, tx, "SELECT balance FROM account WHERE id IN (?, ?) ORDER BY id FOR UPDATE", from, to)
		if err != nil {
			return err
		}
		if len(have) != 2 {
			return fmt.Errorf("found %d accounts", len(have))
		}
		at := 0
		if from > to {
			at = 1
		}
		if n, _ := strconv.Atoi(have[at]); n < sum {
			return errUnmet
		}
		for _, change := range []struct{ id, by int }{{from, -sum}, {to, sum}} {
			if _, err := tx.ExecContext(ctx, "UPDATE account SET balance = balance + ? WHERE id = ?", change.by, change.id); err != nil {
				return err
			}
		}
		return tx.Commit()
	})
}

// Protocols are what clients can speak.
var Protocols = []string{"mysql"}
