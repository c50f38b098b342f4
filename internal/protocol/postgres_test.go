package protocol_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"haprov/internal/protocol"
	"haprov/internal/protocol/protocoltest"
)

// result is one result as it is handed out.
type result struct {
	Columns []string
	Rows    [][]string // NULL is written so
}

// collect keeps results.
func collect(all *[]result) protocol.Results {
	return protocol.Results{
		Columns: func(names []string) { *all = append(*all, result{Columns: names}) },
		Row: func(values []*string) {
			row := []string{}
			for _, v := range values {
				if v == nil {
					row = append(row, "NULL")
					continue
				}
				row = append(row, *v)
			}
			last := &(*all)[len(*all)-1]
			last.Rows = append(last.Rows, row)
		},
	}
}

func TestPostgresAnswersAsPsqlWouldPrintIt(t *testing.T) {
	for k, v := range map[string]string{"PGHOST": "192.0.2.9", "PGUSER": "nobody", "PGSSLMODE": "require", "PGOPTIONS": "-c nonsense=1", "PGTARGETSESSIONATTRS": "standby"} {
		t.Setenv(k, v) // of the user's own environment: none of it is this server's business
	}
	login := protocoltest.Postgres(t)
	postgres, _ := protocol.Lookup("postgres")
	c, err := postgres.Open(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var got []result
	run := func(text string) error { got = nil; return c.Run(t.Context(), text, collect(&got)) }

	if err := run("CREATE TEMPORARY TABLE t (n int, at timestamp, b boolean); INSERT INTO t VALUES (1, '2026-02-01 03:04:05', true), (2, NULL, false); SELECT * FROM t ORDER BY n; SELECT 'a' || E'\\tb' AS x WHERE false;"); err != nil {
		t.Fatal(err)
	}
	want := []result{{}, {}, {[]string{"n", "at", "b"}, [][]string{{"1", "2026-02-01 03:04:05", "t"}, {"2", "NULL", "f"}}}, {Columns: []string{"x"}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}

	var no *protocol.Refused
	if err := run("SELECT 1 AS one; SELECT nothing FROM nowhere"); !errors.As(err, &no) || no.Login || no.Code != "42P01" || !strings.Contains(err.Error(), `"nowhere" does not exist`) {
		t.Errorf("a mistake: %v", err)
	}
	if err := run("SELECT n FROM t WHERE n = 2"); err != nil || len(got) != 1 || got[0].Rows[0][0] != "2" {
		t.Errorf("after a mistake the session goes on: %v %v", got, err)
	}

	login.Password = "another"
	if _, err := postgres.Open(t.Context(), login); !errors.As(err, &no) || !no.Login {
		t.Errorf("another password: %v", err)
	}
	login.Password, login.Database = "secret", "none"
	if _, err := postgres.Open(t.Context(), login); !errors.As(err, &no) || no.Login {
		t.Errorf("another database: %v", err)
	}
}
