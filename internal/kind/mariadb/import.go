package mariadb

import (
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/mysql"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

var MysqlImportSpec = kind.Spec{
	Name: "mysql_import",
	Summary: "A dump file on a host is imported into an empty database, once. The record is a row in the servers' own table haprov.import; " +
		"an import that began and did not end stops every further run, and one into a database that holds tables is refused. In a Galera cluster it waits for the full size.",
	Example: `mysql_import "app" {
  file     = "/var/lib/haprov/app.sql.gz"
  database = "app"
}`,
	New: func() any { return &MySQLImport{} },
}

// MySQLImport wants a dump imported once. What is in the database afterwards is the application's.
type MySQLImport struct {
	kind.Where `hcl:"-"`
	Name       string `hcl:"name,label" about:"The import's name, the key of its row"`
	File       string `hcl:"file" about:"The dump on the host, as it is or compressed by gzip, xz, zstd or bzip2. With place \"one\" it is needed on one of the hosts only"`
	Database   string `hcl:"database" about:"The database, which must exist and have no tables"`
	On         string `hcl:"place,optional" default:"active" oneof:"active,one" about:"active: the server of exactly one host answers; one: several answer, with the same data"`
	Server     server `hcl:"server,optional" default:"mariadb" oneof:"mariadb,mysql" about:"Whose server it is"`
}

var hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Check finds names that would need quoting.
func (m *MySQLImport) Check() []kind.Problem {
	var p kind.Problems
	p.Name("name", m.Name, sqlName, "import name")
	p.Path("file", m.File)
	p.Name("database", m.Database, sqlName, "database name")
	return p
}

// record reads whether there is a table of imports, how many tables the database holds, how many
// members the server counts and whether they are the primary component; then the import's row.
func (m *MySQLImport) record() probe.Query {
	status := func(name string) string {
		if m.Server == oracle {
			return "'-'" // Galera is MariaDB's
		}
		return "IFNULL((SELECT variable_value FROM information_schema.global_status WHERE variable_name = '" + name + "'), '-')"
	}
	text := "t=$(" + m.Server.ask("SELECT (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'haprov' AND table_name = 'import'), "+
		m.tables()+", "+status("WSREP_CLUSTER_SIZE")+", "+status("WSREP_CLUSTER_STATUS")) + ") || exit\nprintf '%s\\n' \"$t\"\n" +
		"case $t in 1*) " + m.Server.ask("SELECT digest, DATE_FORMAT(started, '%Y-%m-%d %H:%i:%s'), IFNULL(DATE_FORMAT(done, '%Y-%m-%d %H:%i:%s'), '-') FROM haprov.import WHERE name = '"+m.Name+"'") + ";; esac"
	return probe.Cmd("import "+m.Name, text, mysql.SQL, probe.Of(probe.Unit, "pacemaker.service"))
}

func (m *MySQLImport) tables() string {
	return "(SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '" + m.Database + "')"
}

// imported is what the servers know of the import.
type imported struct {
	tables, size          int
	primary               bool
	digest, started, done string // empty: not on record
}

func (m *MySQLImport) read(out string) (x imported, err error) {
	head, row, _ := strings.Cut(strings.TrimSpace(out), "\n")
	f := strings.Split(head, "\t")
	if len(f) != 4 {
		return x, fmt.Errorf("import %s: the server's answer cannot be read", m.Name)
	}
	if x.tables, err = strconv.Atoi(f[1]); err != nil {
		return x, fmt.Errorf("import %s: the number of tables is %.20q", m.Name, f[1])
	}
	x.size, _ = strconv.Atoi(f[2]) // "-" and 0: no Galera
	x.primary = f[3] == "Primary"
	if row == "" {
		return x, nil
	}
	f = strings.Split(row, "\t")
	if len(f) != 3 || !hexDigest.MatchString(f[0]) {
		return x, fmt.Errorf("import %s: its row in haprov.import cannot be read", m.Name)
	}
	x.digest, x.started, x.done = f[0], f[1], f[2]
	return x, nil
}

// Probe asks every host for the record; for the file, which may be large, only while there is none.
func (m *MySQLImport) Probe(host string, seen probe.Hosts) []probe.Query {
	s := seen[host].Seen
	if qs := kind.Unread(s, m.record()); len(qs) > 0 {
		return qs
	}
	a := s.Get(m.record())
	if x, err := m.read(a.Out); a.State == probe.Answered && a.Exit == 0 && err == nil && x.digest == "" {
		return kind.Unread(s, kind.FileQuery(m.File))
	}
	return nil
}

// Decide imports the dump where it lies, when nothing speaks against it.
func (m *MySQLImport) Decide(_, seen probe.Hosts) (plan.Phase, error) {
	host, out, err := serving(seen, m.record(), m.On)
	if err != nil || host == "" {
		return kind.Wait("a database server answers", 2*time.Minute), err
	}
	x, err := m.read(out)
	switch {
	case err != nil:
		return plan.Phase{}, err
	case x.done != "" && x.done != "-":
		return plan.Phase{}, nil
	case x.digest != "":
		return plan.Phase{}, fmt.Errorf("import %s began at %s (UTC) and did not end: database %s may hold a part of the dump (sha256 %s...); empty it, then take the record away: DELETE FROM haprov.import WHERE name = '%s'",
			m.Name, x.started, m.Database, x.digest[:16], m.Name)
	case x.tables > 0:
		return plan.Phase{}, fmt.Errorf("database %s holds %d tables and no import %s is on record: a dump is read into an empty database only", m.Database, x.tables, m.Name)
	case x.size > 0 && (!x.primary || x.size < len(m.Nodes)):
		for _, n := range m.Nodes {
			if seen[n.Name].Lost != "" {
				return plan.Phase{}, fmt.Errorf("a dump is imported at full size only: %d of %d members, %s cannot be asked", x.size, len(m.Nodes), n.Name)
			}
		}
		return kind.Wait("the cluster has its full size for the import", 5*time.Minute, fmt.Sprintf("%d of %d", x.size, len(m.Nodes))), nil
	}
	where := []string{host}
	if m.On == "one" {
		where = where[:0]
		for n := range seen {
			if a := seen[n].Get(m.record()); seen[n].Lost == "" && a.State == probe.Answered && a.Exit == 0 {
				where = append(where, n)
			}
		}
		sort.Strings(where)
	}
	for _, n := range where {
		if f, ok := seen[n].File(m.File); ok && f.Type == "regular file" && hexDigest.MatchString(f.SHA256) {
			return m.run(n, f), nil
		}
	}
	return plan.Phase{}, fmt.Errorf("%s is not on %s", m.File, strings.Join(where, " nor on "))
}

// openDump sets $open to what reads the dump in $f, by its first bytes; a compressed one is proved whole
// before anything is done.
const openDump = `case $(head -c 6 -- "$f" | od -An -tx1 | tr -d ' \n') in
1f8b*) open='gzip';; 28b52ffd*) open='zstd';; fd377a585a00) open='xz';; 425a68*) open='bzip2';; *) open=;;
esac
if test -n "$open"; then command -v $open >/dev/null || { echo "there is no $open on this host" >&2; exit 1; }; $open -t -- "$f"; open="$open -dc"; else open='cat'; fi
`

// run imports. The row comes first and only once in the whole cluster: its name is the key. Client
// commands in the dump, such as \!, are not obeyed in binary mode. A dump that cannot be read to its
// end is ended with a statement that no server takes, so that it never counts as done.
func (m *MySQLImport) run(host string, f probe.FileInfo) plan.Phase {
	file := shell.Quote(m.File)
	client := m.Server.client() + " "
	text := "f=" + file + "\n" + openDump + client + "<<'SQL'\n" +
		"CREATE DATABASE IF NOT EXISTS haprov;\n" +
		"CREATE TABLE IF NOT EXISTS haprov.import (name VARCHAR(64) NOT NULL PRIMARY KEY, digest CHAR(64) NOT NULL, started DATETIME NOT NULL, done DATETIME NULL) ENGINE=InnoDB;\n" +
		"INSERT INTO haprov.import (name, digest, started) VALUES ('" + m.Name + "', '" + f.SHA256 + "', UTC_TIMESTAMP());\nSQL\n" +
		"{ $open -- \"$f\" || printf '\\n;the dump ended too early;\\n'; } | " + client + "--binary-mode " + m.Database + "\n" +
		client + "-e " + mysql.ShellArg("UPDATE haprov.import SET done = UTC_TIMESTAMP() WHERE name = '"+m.Name+"' AND done IS NULL")
	guard := "printf '%s  %s\\n' " + f.SHA256 + " " + file + " | sha256sum -c --status && [ \"$(" + client + "-N -B -e " + mysql.ShellArg("SELECT "+m.tables()) + ")\" = 0 ]"
	title := "import " + m.File
	return plan.Phase{Name: title, Changes: map[string]plan.Change{host: {
		Diffs: []plan.Diff{{Attribute: "database " + m.Database, Have: "no tables", Want: fmt.Sprintf("%s, %s, sha256 %s", m.File, kind.ByteCount(f.Size), f.SHA256[:16])}},
		Actions: []act.Action{{Title: title + " into " + m.Database, Shell: text, Guard: guard, Timeout: 6 * time.Hour,
			Touches: []probe.Subject{mysql.SQL}}},
	}}}
}
