package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"

	"haprov/internal/drill/history"
	"haprov/internal/protocol"
)

// Accounts, registers and lists of a run.
const (
	accounts = 8
	deposit  = 100
	keys     = 6
	lists    = 3
	// perList is how many appends a list takes before a new one is begun: a list is read whole.
	perList = 40
)

// dialect is what one protocol's SQL says in its own way. Values are put into its texts as they are:
// they are numbers and names that the load makes itself.
type dialect struct {
	engine       string // ends CREATE TABLE
	server       string // gives the server's name for itself, one value
	shared       string // ends a read that waits for writers of the rows and keeps them off
	serializable string // makes a session's transactions serializable
	put          string // sets: table, key column, value column, key, value
	add          string // appends to a list: its number, a value
	cas          string // changes a register and gives a row with "1" when it did: new value, number, old value
	// undone are the server's answers after which nothing of the statement, or of the transaction, is
	// done. again are those of them after which the session goes on.
	undone, again []string
}

var dialects = map[string]dialect{
	"mysql": {
		engine:       " ENGINE=InnoDB",
		server:       "SELECT @@hostname",
		shared:       " LOCK IN SHARE MODE", // FOR SHARE is MySQL 8's alone
		serializable: "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
		put:          "REPLACE INTO %[1]s (%[2]s, %[3]s) VALUES (%[4]d, %[5]d)",
		add:          "INSERT INTO listed VALUES (%[1]d, '%[2]d') ON DUPLICATE KEY UPDATE held = CONCAT(held, ',%[2]d')",
		cas:          "UPDATE register SET v = %s WHERE k = %d AND v = %s; SELECT ROW_COUNT()",
		// a lock time-out (a statement alone is undone), a deadlock or lost certification, no primary
		// component, read only, not allowed in this state, changed since it was read
		// https://mariadb.com/kb/en/mariadb-error-code-reference/
		undone: []string{"1205", "1213", "1047", "1290", "1836", "1020"},
		again:  []string{"1213"},
	},
	"postgres": {
		// a server has no name but this one; SHOW alone would fail where it is not known
		server:       "SELECT current_setting('cluster_name', true)",
		shared:       " FOR SHARE",
		serializable: "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
		put:          "INSERT INTO %[1]s (%[2]s, %[3]s) VALUES (%[4]d, %[5]d) ON CONFLICT (%[2]s) DO UPDATE SET %[3]s = EXCLUDED.%[3]s",
		add:          "INSERT INTO listed VALUES (%[1]d, '%[2]d') ON CONFLICT (k) DO UPDATE SET held = listed.held || ',%[2]d'",
		cas:          "UPDATE register SET v = %s WHERE k = %d AND v = %s RETURNING 1",
		// serialization failure, deadlock, read only (a standby), lock not available, cannot connect now.
		// Not 57P01: a commit that waits for its standby is done here when the server ends it.
		// PostgreSQL 15's manual, appendix A
		undone: []string{"40001", "40P01", "25006", "55P03", "57P03"},
		again:  []string{"40001", "40P01"},
	},
}

// Protocols are what clients can speak.
func Protocols() (out []string) {
	for _, name := range protocol.Names(true) {
		if _, ok := dialects[name]; ok {
			out = append(out, name)
		}
	}
	return out
}

// tables are made once and never dropped: a power cut within seconds of a DROP TABLE can cost InnoDB its
// recovery.
var tables = []string{
	"added (id BIGINT PRIMARY KEY)",
	"probed (client INT PRIMARY KEY, said BIGINT)",
	"register (k INT PRIMARY KEY, v BIGINT)",
	"account (id INT PRIMARY KEY, balance BIGINT NOT NULL)",
	"listed (k INT PRIMARY KEY, held TEXT NOT NULL)",
	"counted (client INT PRIMARY KEY, n BIGINT NOT NULL)",
}

// Prepare makes the tables. Rows of earlier runs are deleted.
func Prepare(ctx context.Context, t Target) error {
	s := session{target: t, dial: t.Dial}
	defer s.close()
	if err := s.open(ctx); err != nil {
		return err
	}
	var all []string
	for _, text := range tables {
		all = append(all, "CREATE TABLE IF NOT EXISTS "+text+s.sql.engine)
	}
	all = append(all, "DELETE FROM added", "DELETE FROM listed", "DELETE FROM counted")
	for k := range keys {
		all = append(all, fmt.Sprintf(s.sql.put, "register", "k", "v", k, 0))
	}
	for i := range accounts {
		all = append(all, fmt.Sprintf(s.sql.put, "account", "id", "balance", i, deposit))
	}
	for _, text := range all {
		if _, err := s.ask(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(strings.Fields(text)[:3], " "), err)
		}
	}
	return nil
}

// Balances reads the accounts through the endpoint.
func Balances(ctx context.Context, t Target) ([]string, error) {
	return read(ctx, t, "SELECT balance FROM account ORDER BY id", "")
}

// Lists reads the lists through the endpoint, each as "NUMBER=VALUE,VALUE,...".
func Lists(ctx context.Context, t Target) ([]string, error) {
	return read(ctx, t, "SELECT k, held FROM listed ORDER BY k", "=")
}

func read(ctx context.Context, t Target, text, between string) (out []string, err error) {
	s := session{target: t, dial: t.Dial}
	defer s.close()
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	rows, err := s.ask(ctx, text)
	for _, r := range rows {
		out = append(out, strings.Join(r, between))
	}
	return out, err
}

// session is one connection, made when it is needed and given up after an error: nothing is tried again
// behind the client's back.
type session struct {
	target Target
	dial   Dial
	first  string // statement that begins it; may be empty
	sql    dialect
	client protocol.Client
	server string
}

// connect is refused for certain: whatever was to be done over it is not done.
type connect struct{ error }

func (c connect) Unwrap() error { return c.error }

// undone is an error before the transaction's end was asked for: nothing of it is done.
type undone struct{ error }

func (u undone) Unwrap() error { return u.error }

// errUnmet: the value of a compare-and-set was another one.
var errUnmet = errors.New("unmet")

func (s *session) open(ctx context.Context) error {
	if s.client != nil {
		return nil
	}
	p, _ := protocol.Lookup(s.target.Protocol)
	var ok bool
	if s.sql, ok = dialects[s.target.Protocol]; !ok || p.Open == nil {
		return connect{fmt.Errorf("no client speaks %.40q", s.target.Protocol)}
	}
	to, cancel := context.WithTimeout(ctx, connectTime+answerTime)
	defer cancel()
	client, err := p.Open(to, protocol.Login{User: s.target.User, Password: s.target.Password, Database: s.target.Database, Trust: s.target.Trust,
		Dial: func(ctx context.Context) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, connectTime)
			defer cancel()
			return s.dial(ctx)
		}})
	if err != nil {
		return connect{err}
	}
	s.client = client
	who, err := s.ask(ctx, s.sql.server)
	if err == nil && len(who) == 1 {
		s.server = who[0][0]
	}
	if err == nil && s.first != "" {
		_, err = s.ask(ctx, s.first)
	}
	if err != nil {
		s.close()
		return connect{err}
	}
	return nil
}

func (s *session) close() {
	if s.client != nil {
		s.client.Close()
	}
	s.client, s.server = nil, ""
}

// ask gives a statement the time of an answer, and returns the rows of its last result.
func (s *session) ask(ctx context.Context, text string) (rows [][]string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	err = s.client.Run(ctx, text, protocol.Results{
		Columns: func([]string) { rows = nil },
		Row: func(values []*string) {
			row := make([]string, len(values))
			for i, v := range values {
				if v != nil {
					row[i] = *v
				}
			}
			rows = append(rows, row)
		},
	})
	return rows, err
}

// exec is a statement whose rows do not matter.
func (s *session) exec(ctx context.Context, text string) error {
	_, err := s.ask(ctx, text)
	return err
}

// whole does several statements as one transaction.
func (s *session) whole(ctx context.Context, do func() error) error {
	err := s.exec(ctx, "BEGIN")
	if err == nil {
		err = do()
	}
	if err != nil {
		return undone{err}
	}
	return s.exec(ctx, "COMMIT")
}

// with does one operation over the session. It has its time however the load ends.
func (s *session) with(ctx context.Context, o *history.Op, open func(), do func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTime+answerTime)
	defer cancel()
	open()
	err := s.open(ctx)
	o.Server = s.server
	if err == nil {
		err = do(ctx)
	}
	keep := s.sql.judge(err, o)
	if !keep || err != nil && s.client != nil && s.exec(ctx, "ROLLBACK") != nil {
		s.close()
	}
}

// judge writes down what is known after an error. What is not certainly undone is unknown. keep tells
// whether the session goes on.
func (d dialect) judge(err error, o *history.Op) (keep bool) {
	var no *protocol.Refused
	var c connect
	var u undone
	var timeout net.Error
	refused := errors.As(err, &no)
	o.Outcome, o.Class = history.Info, "lost"
	switch {
	case err == nil:
		o.Outcome, o.Class = history.OK, ""
		return true
	case errors.Is(err, errUnmet):
		o.Outcome, o.Class = history.Fail, "unmet"
		return true
	case refused:
		o.Class = "server"
		if n, err := strconv.Atoi(no.Code); err == nil && len(no.Code) < 5 {
			o.Code = n
		} else {
			o.State = no.Code
		}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		o.Class = "timeout"
	case errors.As(err, &c):
		o.Class = "refused"
	}
	if errors.As(err, &c) || errors.As(err, &u) || refused && slices.Contains(d.undone, no.Code) {
		o.Outcome = history.Fail
	}
	return refused && !errors.As(err, &c) && slices.Contains(d.again, no.Code)
}

// adder inserts rows, each alone: through the endpoint, or at a member's own address.
type adder struct {
	session
	l *Load
}

func (a *adder) do(ctx context.Context, o *history.Op, _ *rand.Rand, open func()) {
	id := a.target.Run<<24 | a.l.seq.Add(1)
	o.In = strconv.FormatInt(id, 10)
	a.with(ctx, o, open, func(ctx context.Context) error {
		return a.exec(ctx, fmt.Sprintf("INSERT INTO added (id) VALUES (%d)", id))
	})
}

// prober is a new client each time.
type prober struct{ session }

func (p *prober) do(ctx context.Context, o *history.Op, _ *rand.Rand, open func()) {
	defer p.close()
	p.with(ctx, o, open, func(ctx context.Context) error {
		return p.exec(ctx, fmt.Sprintf(p.sql.put, "probed", "client", "said", o.Client, o.Call))
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
			got, err := r.ask(ctx, fmt.Sprintf("SELECT v FROM register WHERE k = %d%s", k, r.sql.shared))
			if err == nil && len(got) == 1 {
				o.Out, r.last[k] = got[0][0], got[0][0]
			}
			return err
		})
	case 2:
		o.Do, o.In = "write", value
		r.with(ctx, o, open, func(ctx context.Context) error {
			return r.exec(ctx, fmt.Sprintf("UPDATE register SET v = %s WHERE k = %d", value, k))
		})
	default:
		o.Do, o.In = "cas", r.last[k]+" "+value
		r.with(ctx, o, open, func(ctx context.Context) error {
			got, err := r.ask(ctx, fmt.Sprintf(r.sql.cas, value, k, r.last[k]))
			if err == nil && (len(got) != 1 || got[0][0] != "1") {
				err = errUnmet
			}
			return err
		})
	}
}

// teller moves money between accounts, and now and then reads them all.
type teller struct{ session }

func (x *teller) do(ctx context.Context, o *history.Op, random *rand.Rand, open func()) {
	if random.IntN(4) == 0 {
		o.Do = "balance"
		x.with(ctx, o, open, func(ctx context.Context) error {
			got, err := x.ask(ctx, "SELECT balance FROM account ORDER BY id")
			var all []string
			for _, r := range got {
				all = append(all, r[0])
			}
			o.Out = strings.Join(all, " ")
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
		return x.whole(ctx, func() error {
			// in the accounts' order, so that two tellers do not wait for each other
			have, err := x.ask(ctx, fmt.Sprintf("SELECT balance FROM account WHERE id IN (%d, %d) ORDER BY id FOR UPDATE", from, to))
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
			if n, _ := strconv.Atoi(have[at][0]); n < sum {
				return errUnmet
			}
			for _, change := range []struct{ id, by int }{{from, -sum}, {to, sum}} {
				if err := x.exec(ctx, fmt.Sprintf("UPDATE account SET balance = balance + %d WHERE id = %d", change.by, change.id)); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// lister appends unique values to lists and reads them whole, one to four of these a transaction.
type lister struct {
	session
	l *Load
}

func (x *lister) do(ctx context.Context, o *history.Op, random *rand.Rand, open func()) {
	// the youngest lists: what transactions have in common is what they are judged by
	young := int(x.l.values.Load()) / (lists * perList) * lists
	type step struct {
		list  int
		value int64 // 0: the list is read
	}
	var steps []step
	for range 1 + random.IntN(4) {
		s := step{list: young + random.IntN(lists)}
		if random.IntN(2) == 0 {
			s.value = x.l.values.Add(1)
		}
		steps = append(steps, s)
	}
	var in []string
	for _, s := range steps {
		if s.value == 0 {
			in = append(in, fmt.Sprintf("%d?", s.list))
		} else {
			in = append(in, fmt.Sprintf("%d+%d", s.list, s.value))
		}
	}
	o.In = strings.Join(in, " ")
	x.with(ctx, o, open, func(ctx context.Context) error {
		var out []string
		err := x.whole(ctx, func() error {
			for i, s := range steps {
				if s.value != 0 {
					if err := x.exec(ctx, fmt.Sprintf(x.sql.add, s.list, s.value)); err != nil {
						return err
					}
					out = append(out, in[i])
					continue
				}
				got, err := x.ask(ctx, fmt.Sprintf("SELECT held FROM listed WHERE k = %d", s.list))
				if err != nil {
					return err
				}
				held := ""
				if len(got) == 1 {
					held = got[0][0]
				}
				out = append(out, fmt.Sprintf("%d=%s", s.list, held))
			}
			return nil
		})
		if err == nil {
			o.Out = strings.Join(out, " ")
		}
		return err
	})
}

// counter counts in a value of its own through the endpoint, and reads it back at once where readers are
// served, twice, each time as a new client: one read for its own write, one for what it has just read.
type counter struct {
	session         // to the endpoint
	reader  session // to the readers' endpoint
	n, left int     // the last number written; reads to come
}

func (x *counter) do(ctx context.Context, o *history.Op, _ *rand.Rand, open func()) {
	if x.left > 0 {
		x.left--
		o.Do = "get"
		defer x.reader.close()
		x.reader.with(ctx, o, open, func(ctx context.Context) error {
			got, err := x.reader.ask(ctx, fmt.Sprintf("SELECT n FROM counted WHERE client = %d", o.Client))
			if err == nil && len(got) == 1 {
				o.Out = got[0][0]
			}
			return err
		})
		return
	}
	x.n++
	o.Do, o.In = "put", strconv.Itoa(x.n)
	x.with(ctx, o, open, func(ctx context.Context) error {
		return x.exec(ctx, fmt.Sprintf(x.sql.put, "counted", "client", "n", o.Client, x.n))
	})
	if o.Outcome == history.OK {
		x.left = 2
	}
}

// atOnce: its reads are not at the load's pace.
func (x *counter) atOnce() bool { return x.left > 0 }

func (x *counter) close() {
	x.session.close()
	x.reader.close()
}
