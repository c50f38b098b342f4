package cli

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/spf13/cobra"

	"haprov/internal/view"
)

// errStatement: the database refused a statement.
var errStatement = errors.New("statement")

func (a *app) sqlCmd() *cobra.Command {
	q := query{user: "app"}
	c := &cobra.Command{
		Use:     "sql",
		Short:   "Run SQL as the application user of the cluster's database",
		Long:    "Runs STATEMENT, or what stdin holds, each statement ended by a semicolon at the end of a line.\nRows are printed with tabs between values, NULL for nothing.",
		Example: "  haprov sql -e 'select version()'\n  haprov sql <schema.sql",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.sql(c.Context(), q) },
	}
	c.Flags().StringVarP(&q.statement, "execute", "e", "", "run `STATEMENT` and end")
	c.Flags().BoolVarP(&q.bare, "skip-column-names", "N", false, "no line of column names")
	c.Flags().StringVar(&q.user, "user", q.user, "database user; its password is the secret of that name")
	c.Flags().StringVar(&q.database, "database", "", "database (default: named as the user)")
	c.Flags().StringVar(&q.cluster, "cluster", "", "the `NAME` of the cluster, when the inventory has several")
	return c
}

type query struct {
	user, database, statement, cluster string
	bare                               bool
}

func (a *app) sql(ctx context.Context, q query) error {
	w, err := a.way(ctx, q.cluster)
	if err != nil {
		return err
	}
	defer w.Close()
	password, err := w.job.secrets.Show(w.to.Name, q.user)
	if err != nil {
		return w.noPassword(q.user)
	}
	c := mysql.NewConfig()
	c.User, c.Passwd, c.DBName = q.user, password.Reveal(), q.database
	if c.DBName == "" {
		c.DBName = q.user
	}
	c.Net, c.Addr, c.MultiStatements = "tcp", w.to.Endpoint, true
	c.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return w.Dial(ctx) }
	c.Logger = &mysql.NopLogger{}
	made, err := mysql.NewConnector(c)
	if err != nil {
		return err
	}
	db := sql.OpenDB(made)
	defer db.Close()
	conn, err := db.Conn(ctx) // one connection, so that what a statement sets holds for the next
	if err != nil {
		return refused(err)
	}
	defer conn.Close()
	if q.statement != "" {
		return refused(a.rows(ctx, conn, q.statement, q.bare))
	}
	return refused(a.statements(ctx, conn, q.bare))
}

// statements runs what stdin holds; in a terminal a refused statement is not the end.
func (a *app) statements(ctx context.Context, conn *sql.Conn, bare bool) error {
	asked := terminal(a.in)
	lines := bufio.NewReader(a.in)
	var text strings.Builder
	for {
		if asked && text.Len() == 0 {
			a.prompt("sql> ")
		}
		line, end := lines.ReadString('\n')
		text.WriteString(line)
		whole := strings.TrimSpace(text.String())
		if whole != "" && (strings.HasSuffix(whole, ";") || end != nil) {
			text.Reset()
			if err := a.rows(ctx, conn, whole, bare); err != nil {
				var no *mysql.MySQLError
				if !asked || !errors.As(err, &no) {
					return err
				}
				fmt.Fprintln(a.err, view.Clean(no.Error()))
			}
		}
		if end == io.EOF {
			return nil
		}
		if end != nil {
			return end
		}
	}
}

// rows runs statements and prints all their results: the user's own data, which nothing is masked in.
func (a *app) rows(ctx context.Context, conn *sql.Conn, statement string, bare bool) error {
	rows, err := conn.QueryContext(ctx, statement)
	if err != nil {
		return err
	}
	defer rows.Close()
	for {
		names, err := rows.Columns()
		if err != nil {
			return err
		}
		if len(names) > 0 && !bare {
			fmt.Fprintln(a.own(), strings.Join(names, "\t"))
		}
		values := make([]sql.NullString, len(names))
		into := make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				return err
			}
			out := make([]string, len(values))
			for i, v := range values {
				if out[i] = "NULL"; v.Valid {
					out[i] = escape.Replace(v.String)
				}
			}
			fmt.Fprintln(a.own(), strings.Join(out, "\t"))
		}
		if !rows.NextResultSet() {
			return rows.Err()
		}
	}
}

// escape keeps a row on its line.
var escape = strings.NewReplacer("\\", "\\\\", "\t", "\\t", "\n", "\\n", "\x00", "\\0", "\x1b", "\\e")

// noPassword says why there is none for a user.
func (w *way) noPassword(user string) error {
	if slices.Contains(w.to.Secrets, user) {
		return errInput{fmt.Sprintf("the password of user %s does not exist yet: haprov up%s generates it", user, w.job.flags())}
	}
	text := fmt.Sprintf("cluster %s has no secret %q to log in with", w.to.Name, user)
	if len(w.to.Secrets) > 0 {
		text += "; --user takes one of " + strings.Join(w.to.Secrets, ", ")
	}
	return errInput{text}
}

func refused(err error) error {
	var no *mysql.MySQLError
	if errors.As(err, &no) && no.Number == 1045 {
		return fmt.Errorf("%w: %w; the server has a different password from the store; haprov up sets it", errStatement, err)
	}
	if errors.As(err, &no) {
		return fmt.Errorf("%w: %w", errStatement, err)
	}
	return err
}
