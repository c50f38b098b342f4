package mariadb

import (
	"slices"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/mysql"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
)

var MysqlTLSSpec = kind.Spec{
	Name:    "mysql_tls",
	Summary: "A running server has read its certificate files again, without a restart, after a change that owed it a reload: FLUSH SSL, with MySQL ALTER INSTANCE RELOAD TLS. A server that does not run reads them when it starts.",
	Example: `mysql_tls "mariadb.service" {}`,
	New:     func() any { return &MySQLTLS{} },
}

// MySQLTLS pays the reloads of certificates that are owed to a server. It stands after the step that
// starts and restarts the server, whose restart pays them, too. Sessions that are open stay as they are.
type MySQLTLS struct {
	Name   string `hcl:"name,label" about:"What the reload is owed to, as the files' owes names it: a unit, or Pacemaker's resource"`
	Server server `hcl:"server,optional" default:"mariadb" oneof:"mariadb,mysql" about:"Whose server it is"`
}

// Check finds a name that nothing can be owed to.
func (m *MySQLTLS) Check() []kind.Problem {
	var p kind.Problems
	p.Owes([]string{m.Name + ":reload"})
	return p
}

func (m *MySQLTLS) owed() probe.Query { return probe.Query{Kind: probe.Owed, Name: m.Name} }

func (m *MySQLTLS) query() probe.Query { return m.Server.query("runs", "SELECT 1") }

// reload is for this server alone: written to the binary log, the other members would do it, too.
func (m *MySQLTLS) reload() string {
	if m.Server == oracle {
		return "ALTER INSTANCE RELOAD TLS;\n"
	}
	return "FLUSH LOCAL SSL;\n"
}

// Probe asks for what is owed and, when a reload is, whether the server runs.
func (m *MySQLTLS) Probe(seen probe.Seen) []probe.Query {
	qs := kind.Unread(seen, m.owed())
	if owed, ok := seen.OwedTo(m.Name); ok && due(owed) {
		qs = append(qs, kind.Unread(seen, m.query())...)
	}
	return qs
}

// Decide has the server read its files. One that does not answer keeps the mark.
func (m *MySQLTLS) Decide(seen probe.Seen) (plan.Change, error) {
	owed, ok := seen.OwedTo(m.Name)
	if !ok {
		return kind.Unknown("reloads owed to " + m.Name), nil
	}
	if !due(owed) {
		return plan.Change{}, nil
	}
	a := act.Action{Title: "certificates are read at the server's next start", Shell: "true", Pays: []string{m.Name}}
	switch x := seen.Get(m.query()); {
	case x.State == probe.Answered && x.Exit == 0:
		a.Title, a.Shell, a.Timeout = "have the server read its certificates", m.Server.client(), time.Minute
		a.Stdin, a.Touches = secret.Plain(m.reload()), []probe.Subject{mysql.SQL}
	case x.State == probe.Answered && mysql.NotRunning(x.Out):
	default:
		return kind.Unknown("its database server, which is to read its certificates"), nil
	}
	return plan.Change{Diffs: []plan.Diff{{Attribute: "certificates", Have: "changed since the server read them", Want: "read"}}, Actions: []act.Action{a}}, nil
}

// due tells whether a reload is to be done: a restart that is owed, too, pays both.
func due(owed []string) bool {
	return slices.Contains(owed, "reload") && !slices.Contains(owed, "restart")
}
