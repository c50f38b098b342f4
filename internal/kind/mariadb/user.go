package mariadb

import (
	"crypto/sha1"
	"encoding/hex"
	"regexp"
	"strings"
	"time"

	"haprov/internal/cluster/mysql"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
)

var MysqlUserSpec = kind.Spec{
	Name:    "mysql_user",
	Summary: "A database user exists with this password and all rights on one database. The password itself never reaches a host, only its hash.",
	Example: `mysql_user "app" {
  password = "example"
  database = "app"
}`,
	New: func() any { return &MySQLUser{} },
}

// MySQLUser wants a user on whichever host serves.
type MySQLUser struct {
	kind.Where `hcl:"-"`
	Name       string      `hcl:"name,label" about:"The user's name"`
	From       string      `hcl:"from,optional" default:"%" about:"The hosts it may come from, as the server writes them: a name, an address, or a pattern with %"`
	Password   secret.Text `hcl:"password" about:"The password"`
	Former     secret.Text `hcl:"former,optional" about:"A second password that is valid, too, while the first is rotated: former(\"app\") beside secret(\"app\"). With mariadb only"`
	Database   string      `hcl:"database" about:"The database it has all rights on"`
	On         string      `hcl:"place,optional" default:"active" oneof:"active,one" about:"active: the server of exactly one host answers; one: several answer, with the same data"`
	Server     server      `hcl:"server,optional" default:"mariadb" oneof:"mariadb,mysql" about:"Whose server it is: mariadb keeps the password as mysql_native_password, mysql as caching_sha2_password"`
}

// hostPattern is a name, an address, or one with % and _ in it, or an address with a netmask.
var hostPattern = regexp.MustCompile(`^[A-Za-z0-9_.:%/-]{1,255}$`)

// Check finds names that would need quoting and an empty password.
func (m *MySQLUser) Check() []kind.Problem {
	var p kind.Problems
	p.Matches("name", m.Name, sqlName, "user name")
	p.Matches("database", m.Database, sqlName, "database name")
	p.Name("from", m.From, hostPattern, "host pattern")
	if m.Password.Empty() {
		p.Add("password", "Empty password", "A user without a password is refused.")
	}
	if m.Server == oracle && !m.Former.Empty() {
		p.Add("former", "Second password cannot be kept", "MySQL keeps a second password only when the first is given to it in clear text, which haprov does not do. Expected none with server = \"mysql\".")
	}
	return p
}

// digest is what the server keeps of a password: of mysql_native_password SHA1(SHA1(password)), of
// caching_sha2_password a digest with a salt, which is the same each time so that it can be compared.
func (m *MySQLUser) digest(password secret.Text) string {
	if m.Server == oracle {
		return secret.Sensitive(mysql.SHA2(password.Reveal(), m.Name+"@"+m.From)).Reveal()
	}
	one := sha1.Sum([]byte(password.Reveal()))
	two := sha1.Sum(one[:])
	return secret.Sensitive("*" + strings.ToUpper(hex.EncodeToString(two[:]))).Reveal()
}

// stored is all that the server keeps, as query reads it: of a second password it has a list.
func (m *MySQLUser) stored() string {
	if m.Former.Empty() {
		return m.digest(m.Password)
	}
	return m.digest(m.Password) + ` ["` + m.digest(m.Former) + `"]`
}

// identified is how the passwords stand in a statement. MariaDB tries one after the other: a login with
// either succeeds, by the method that all clients know.
func (m *MySQLUser) identified() string {
	if m.Server == oracle {
		return " IDENTIFIED WITH caching_sha2_password AS '" + m.digest(m.Password) + "'"
	}
	s := " IDENTIFIED VIA mysql_native_password USING '" + m.digest(m.Password) + "'"
	if !m.Former.Empty() {
		s += " OR mysql_native_password USING '" + m.digest(m.Former) + "'"
	}
	return s
}

// query reads what is kept of the passwords, and whether the rights on the database are all that this
// server's version has: it lists as many as mysql.db has columns for, but for the right to grant.
func (m *MySQLUser) query() probe.Query {
	kept := "CONCAT_WS(' ', JSON_VALUE(priv, '$.authentication_string'), JSON_EXTRACT(priv, '$.auth_or[*].authentication_string')) FROM mysql.global_priv"
	if m.Server == oracle {
		kept = "authentication_string FROM mysql.user"
	}
	return m.Server.query("user "+m.Name, "SELECT IFNULL((SELECT "+kept+" WHERE user = '"+m.Name+"' AND host = '"+m.From+"'), '-'), "+
		"(SELECT COUNT(*) FROM information_schema.schema_privileges WHERE grantee = CONCAT(QUOTE('"+m.Name+"'), '@', QUOTE('"+m.From+"')) AND table_schema = '"+m.Database+"')"+
		" >= (SELECT COUNT(*) - 1 FROM information_schema.columns WHERE table_schema = 'mysql' AND table_name = 'db' AND column_name LIKE '%\\_priv')")
}

// Probe asks every host; only the one that serves answers.
func (m *MySQLUser) Probe(host string, seen probe.Hosts) []probe.Query {
	return kind.Unread(seen[host].Seen, m.query())
}

// Decide compares what the server keeps of the password, and the grant.
func (m *MySQLUser) Decide(_, seen probe.Hosts) (plan.Phase, error) {
	host, out, err := serving(seen, m.query(), m.On)
	if err != nil || host == "" {
		return kind.Wait("a database server answers", 2*time.Minute), err
	}
	have, grant, _ := strings.Cut(strings.TrimSpace(out), "\t")
	if have == m.stored() && grant == "1" {
		return plan.Phase{}, nil
	}
	d := plan.Diff{Attribute: "user", Want: m.Name + "@" + m.From + " with all rights on " + m.Database}
	title := "create user "
	if have != "-" {
		d.Have, title = "another password or other rights", "change user "
	}
	if !m.Former.Empty() {
		d.Want += ", its former password valid, too"
	}
	who := "'" + m.Name + "'@'" + m.From + "'"
	return m.Server.phase(host, title+m.Name, d, "CREATE USER IF NOT EXISTS "+who+m.identified()+";\n"+
		"ALTER USER "+who+m.identified()+";\nGRANT ALL PRIVILEGES ON `"+m.Database+"`.* TO "+who+";\n"), nil
}
