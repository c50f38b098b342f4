package mariadb

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

var MysqlSocketUserSpec = kind.Spec{
	Name:    "mysql_socket_user",
	Summary: "A database account of the local login of the same name, over the socket, without a password, with exactly these server-wide privileges.",
	Example: `mysql_socket_user "clustercheck" {
  privileges = []
}`,
	New: func() any { return &MySQLSocketUser{} },
}

// MySQLSocketUser wants an account NAME@localhost that only the login NAME can use.
type MySQLSocketUser struct {
	kind.Where `hcl:"-"`
	Name       string   `hcl:"name,label" about:"The account's and the login's name"`
	Privileges []string `hcl:"privileges" about:"Server-wide privileges as SHOW GRANTS writes them; with none it sees only status and its own sessions"`
	On         string   `hcl:"place,optional" default:"active" oneof:"active,one" about:"active: the server of exactly one host answers; one: several answer, with the same data"`
	Server     server   `hcl:"server,optional" default:"mariadb" oneof:"mariadb,mysql" about:"Whose server it is"`
}

var privilegeName = regexp.MustCompile(`^[A-Z]+( [A-Z]+)*$`)

// Check finds names that would need quoting.
func (m *MySQLSocketUser) Check() []kind.Problem {
	var p kind.Problems
	p.Name("name", m.Name, sqlName, "user name")
	for _, x := range m.Privileges {
		p.Name("privileges", x, privilegeName, "privilege")
	}
	return p
}

func (m *MySQLSocketUser) wanted() string {
	if len(m.Privileges) == 0 {
		return "USAGE"
	}
	l := slices.Clone(m.Privileges)
	sort.Strings(l)
	return strings.Join(slices.Compact(l), ", ")
}

// query reads how the account proves itself and what it may do.
func (m *MySQLSocketUser) query() probe.Query {
	kept := "CONCAT(JSON_VALUE(priv, '$.plugin'), IF(JSON_LENGTH(priv, '$.auth_or') > 1, ' or else', '')) FROM mysql.global_priv"
	if m.Server == oracle {
		kept = "CONCAT(plugin, IF(authentication_string > '', ' or else', '')) FROM mysql.user" // another login's name
	}
	return m.Server.query("account "+m.Name, "SELECT IFNULL((SELECT "+kept+" WHERE user = '"+m.Name+"' AND host = 'localhost'), '-'), "+
		"IFNULL((SELECT GROUP_CONCAT(privilege_type ORDER BY privilege_type SEPARATOR ', ') FROM information_schema.user_privileges WHERE grantee = CONCAT(QUOTE('"+m.Name+"'), '@', QUOTE('localhost'))), '-'), "+
		"(SELECT COUNT(*) FROM mysql.proxies_priv WHERE user = '"+m.Name+"' AND host = 'localhost' AND proxied_user = '' AND proxied_host = '%')")
}

// Probe asks every host; only one that serves answers.
func (m *MySQLSocketUser) Probe(host string, seen probe.Hosts) []probe.Query {
	return kind.Unread(seen[host].Seen, m.query())
}

// Decide compares; what the account may do beyond is taken away.
func (m *MySQLSocketUser) Decide(_, seen probe.Hosts) (plan.Phase, error) {
	host, out, err := serving(seen, m.query(), m.On)
	if err != nil || host == "" {
		return kind.Wait("a database server answers", 2*time.Minute), err
	}
	f := strings.Split(strings.TrimSpace(out), "\t")
	if len(f) != 3 {
		return plan.Phase{}, fmt.Errorf("%s: account %s: %d fields in the server's answer", host, m.Name, len(f))
	}
	plugin, privileges, proxy := f[0], f[1], f[2] != "0"
	socket, identified := "unix_socket", " IDENTIFIED VIA unix_socket;\n"
	if m.Server == oracle {
		socket, identified = "auth_socket", " IDENTIFIED WITH auth_socket;\n"
	}
	if plugin == socket && privileges == m.wanted() && !proxy {
		return plan.Phase{}, nil
	}
	d := plan.Diff{Attribute: "account", Want: m.Name + " over the socket: " + m.wanted()}
	if plugin != "-" {
		d.Have = plugin + ": " + privileges
	}
	who := "'" + m.Name + "'@'localhost'"
	sql := "CREATE USER IF NOT EXISTS " + who + identified + "ALTER USER " + who + identified +
		"REVOKE ALL PRIVILEGES, GRANT OPTION FROM " + who + ";\nGRANT " + m.wanted() + " ON *.* TO " + who + ";\n"
	if proxy { // may act for anybody; the package grants this too
		sql += "REVOKE PROXY ON ''@'%' FROM " + who + ";\n"
	}
	return m.Server.phase(host, "create account "+m.Name, d, sql), nil
}
