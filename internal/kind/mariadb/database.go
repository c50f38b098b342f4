// Package mariadb has the kinds of step that are done by SQL on whichever host serves: databases,
// accounts, imports. The SQL is MariaDB's, and with the argument server MySQL's.
package mariadb

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/mysql"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
)

var MysqlDatabaseSpec = kind.Spec{
	Name:    "mysql_database",
	Summary: "A database exists, created by root over the local socket on a host whose server answers.",
	Example: `mysql_database "app" {}`,
	New:     func() any { return &MySQLDatabase{} },
}

// MySQLDatabase wants a database on whichever host serves.
type MySQLDatabase struct {
	kind.Where `hcl:"-"`
	Name       string `hcl:"name,label" about:"The database's name, unless set by database"`
	Database   string `hcl:"database,optional" about:"The database's name"`
	On         string `hcl:"place,optional" default:"active" oneof:"active,one" about:"active: the server of exactly one host answers; one: several answer, with the same data"`
	Server     server `hcl:"server,optional" default:"mariadb" oneof:"mariadb,mysql" about:"Whose server it is"`
}

// server is whose database server it is, and so the name of the client: mariadb or mysql.
type server string

const oracle server = "mysql"

var sqlName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

// Check finds names that would need quoting.
func (m *MySQLDatabase) Check() []kind.Problem {
	var p kind.Problems
	p.Matches("database", m.database(), sqlName, "database name")
	return p
}

func (m *MySQLDatabase) database() string {
	if m.Database != "" {
		return m.Database
	}
	return m.Name
}

// query reads a real table too: a Galera node outside of the primary component answers for the
// information schema, and for nothing else. What status shows of the server comes in the same answer.
func (m *MySQLDatabase) query() probe.Query {
	return m.Server.query("database "+m.database(), "SELECT schema_name FROM information_schema.schemata WHERE schema_name = '"+m.database()+"' AND (SELECT COUNT(*) FROM mysql.db) >= 0; "+mysql.Variables+"; "+mysql.Status)
}

// Probe asks every host; only the one that serves answers.
func (m *MySQLDatabase) Probe(host string, seen probe.Hosts) []probe.Query {
	return kind.Unread(seen[host].Seen, m.query())
}

// Decide makes the database where the server answers.
func (m *MySQLDatabase) Decide(_, seen probe.Hosts) (plan.Phase, error) {
	host, out, err := serving(seen, m.query(), m.On)
	if err != nil || host == "" {
		return kind.Wait("a database server answers", 2*time.Minute), err
	}
	if first, _, _ := strings.Cut(out, "\n"); first == m.database() {
		return plan.Phase{}, nil
	}
	return m.Server.phase(host, "create database "+m.database(), plan.Diff{Attribute: "database", Want: m.database()}, "CREATE DATABASE IF NOT EXISTS `"+m.database()+"`;\n"), nil
}

// briefly bounds a small question: a server that hangs must not hold up all of them one after the
// other. The question's own time-out ends the others of its part too.
const briefly = "timeout -k 1 4 "

// query reads as root over the local socket; batch mode, no column names.
func (s server) query(name, sql string) probe.Query {
	return probe.Cmd("sql "+name, s.ask(sql), mysql.SQL, probe.Of(probe.Unit, "pacemaker.service"))
}

// ask is the command of such a question.
func (s server) ask(sql string) string {
	return briefly + s.client() + " -N -B -e " + mysql.ShellArg(sql)
}

// client is the command that asks the server on its host. The zero value is MariaDB's.
func (s server) client() string {
	if s == oracle {
		return "mysql --no-defaults"
	}
	return "mariadb --no-defaults"
}

// serving finds the host whose server answered: the only one, or with place "one" the first by
// name. None is no error: it may still come up.
func serving(seen probe.Hosts, q probe.Query, place string) (host, out string, err error) {
	names := make([]string, 0, len(seen))
	for n := range seen {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		a := seen[n].Get(q)
		if seen[n].Lost != "" || a.State != probe.Answered || a.Exit != 0 {
			continue
		}
		if place == "one" {
			return n, a.Out, nil
		}
		if host != "" {
			return "", "", fmt.Errorf("servers answer on %s and on %s at once: one of them must not. On the one that does not serve (haprov status): systemctl disable --now mariadb", host, n)
		}
		host, out = n, a.Out
	}
	return host, out, nil
}

// phase runs statements as root on one host. They go by standard input, never in arguments.
func (s server) phase(host, title string, d plan.Diff, sql string) plan.Phase {
	return plan.Phase{Name: title, Changes: map[string]plan.Change{host: {Diffs: []plan.Diff{d}, Actions: []act.Action{{
		Title: title, Shell: s.client(), Stdin: secret.Holding(sql), Touches: []probe.Subject{mysql.SQL},
	}}}}}
}
