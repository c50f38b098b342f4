package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"haprov/internal/protocol"
	"haprov/internal/view"
)

// errStatement: the database refused a statement.
var errStatement = errors.New("statement")

func (a *app) sqlCmd() *cobra.Command {
	q := query{user: "app"}
	c := &cobra.Command{
		Use:   "sql [ENDPOINT]",
		Short: "Run SQL as the application user of the cluster's database",
		Long: "Runs STATEMENT, or what stdin holds, each statement ended by a semicolon at the end of a line.\n" +
			"Rows are printed with tabs between values, NULL for nothing. ENDPOINT is the name or the port of one\n" +
			"that the recipe declares; without it the first one that speaks " + strings.Join(protocol.Names(true), " or ") + " is asked, in its protocol.",
		Example: "  haprov sql -e 'select version()'\n  haprov sql readers -e 'select @@hostname'\n  haprov sql <schema.sql",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			q.of.name = strings.Join(args, "")
			return a.sql(c.Context(), q)
		},
		ValidArgsFunction: first(a.names(endpointNames(true))),
	}
	c.Flags().StringVarP(&q.statement, "execute", "e", "", "run `STATEMENT` and end")
	c.Flags().BoolVarP(&q.bare, "skip-column-names", "N", false, "no line of column names")
	c.Flags().StringVar(&q.user, "user", q.user, "database user; its password is the secret of that name")
	c.Flags().StringVar(&q.database, "database", "", "database (default: named as the user)")
	c.Flags().StringVar(&q.of.cluster, "cluster", "", "the `NAME` of the cluster, when the inventory has several")
	return c
}

type query struct {
	of                        meant
	user, database, statement string
	bare                      bool
}

func (a *app) sql(ctx context.Context, q query) error {
	w, err := a.way(ctx, q.of, true)
	if err != nil {
		return err
	}
	defer w.Close()
	password, err := w.job.secrets.Show(w.to.Name, q.user)
	if err != nil {
		return w.noPassword(q.user)
	}
	login := protocol.Login{User: q.user, Password: password.Reveal(), Database: q.database, Dial: w.Dial, Trust: protocol.Trust{CA: w.at.CA, Name: w.at.Address}}
	if login.Database == "" {
		login.Database = q.user
	}
	p, _ := protocol.Lookup(w.at.Protocol) // found by what it can
	client, err := p.Open(ctx, login)
	if err != nil {
		return refused(err)
	}
	defer client.Close()
	if q.statement != "" {
		return refused(a.rows(ctx, client, q.statement, q.bare))
	}
	return refused(a.statements(ctx, client, q.bare))
}

// statements runs what stdin holds; in a terminal a refused statement is not the end.
func (a *app) statements(ctx context.Context, client protocol.Client, bare bool) error {
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
			if err := a.rows(ctx, client, whole, bare); err != nil {
				var no *protocol.Refused
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
func (a *app) rows(ctx context.Context, client protocol.Client, statement string, bare bool) error {
	return client.Run(ctx, statement, protocol.Results{
		Columns: func(names []string) {
			if len(names) > 0 && !bare {
				fmt.Fprintln(a.own(), strings.Join(names, "\t"))
			}
		},
		Row: func(values []*string) {
			out := make([]string, len(values))
			for i, v := range values {
				if out[i] = "NULL"; v != nil {
					out[i] = escape.Replace(*v)
				}
			}
			fmt.Fprintln(a.own(), strings.Join(out, "\t"))
		},
	})
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

// refused says what a server's refusal means; other errors stay as they are.
func refused(err error) error {
	var no *protocol.Refused
	switch {
	case !errors.As(err, &no):
		return err
	case no.Login:
		return fmt.Errorf("%w: %w; the server has a different password from the store; haprov up sets it", errStatement, err)
	}
	return fmt.Errorf("%w: %w", errStatement, err)
}
