package galera

import (
	"fmt"
	"strings"

	"haprov/internal/cluster/galera"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/shell"
)

// admit joins a stopped node when what it holds is this cluster's, or nobody's.
func (g *Galera) admit(ms []member, m member) (plan.Phase, error) {
	first := primaries(ms)[0]
	newest := first.Status.LastWrite
	for _, o := range primaries(ms) {
		newest = max(newest, o.Status.LastWrite)
	}
	p := m.Position()
	ended, left := m.left(first)
	switch {
	case m.away != "":
		return plan.Phase{}, doubt(ms, m.unseen())
	case left && m.Unsure():
		return g.readPositions([]member{m}), nil
	case left && p.Seqno > ended:
		return plan.Phase{}, doubt(ms, fmt.Sprintf("the cluster was recovered without %s, which holds write sets beyond (%d, %d): joining would replace them; save the rows, then move its data directory away", m.Name, p.Seqno, ended))
	case left:
	case p.UUID == first.Status.UUID && newest >= 0 && p.Seqno > newest:
		return plan.Phase{}, doubt(ms, fmt.Sprintf("%s holds write sets that the cluster has not (%d, %d): joining would replace them; save the rows, then move its data directory away", m.Name, p.Seqno, newest))
	case m.Empty() || m.Torn && m.State == nil || p.UUID == first.Status.UUID || p.UUID == galera.ZeroUUID:
	case m.State == nil:
		return plan.Phase{}, doubt(ms, m.Name+" holds databases that never were in this cluster: joining would replace them; move its data directory away first")
	default:
		return plan.Phase{}, doubt(ms, m.Name+" holds another cluster's data ("+p.UUID+"): joining would replace it; move its data directory away first")
	}
	return g.join(ms, m), nil
}

// left tells whether the cluster was recovered out of the history that a stopped node is still in,
// and at which write set.
func (m member) left(first member) (ended int64, left bool) {
	p := m.Position()
	if p.UUID == "" || p.UUID == galera.ZeroUUID || p.UUID == first.Status.UUID {
		return 0, false
	}
	for _, x := range first.Status.Before {
		if x.UUID == p.UUID && (!left || x.Seqno > ended) {
			ended, left = x.Seqno, true
		}
	}
	return ended, left
}

// startNewHistory starts the cluster from a node under a new history. It is for a recovery without some
// members: such a one may hold write sets that the cluster goes on without. Under the old history
// it would be given only what comes after them when it returns, and keep rows that the others lack;
// so it takes a full copy instead. Where the old history ended stays on record in the cluster.
//
// A server takes its history from its data unless wsrep is off in its configuration when
// galera_recovery looks; on the command line it is on again.
func (g *Galera) startNewHistory(ms []member, m member, name string, without []string) plan.Phase {
	p := m.Position()
	state := shell.Quote(g.Data + "/grastate.dat")
	text := "rm -f " + recoveredFile + `
trap 'rm -rf /run/mariadb-wsrep-new-cluster /run/haprov-anew' EXIT
mkdir -p /run/haprov-anew
printf '[mysqld]\nwsrep_on=OFF\n' >/run/haprov-anew/my.cnf
printf '%s\n' '_WSREP_NEW_CLUSTER="--wsrep-new-cluster --wsrep-on=ON"' MYSQL_HOME=/run/haprov-anew >/run/mariadb-wsrep-new-cluster
test ! -e ` + state + " || mv -f " + state + " " + shell.Quote(g.Data+"/grastate.dat.before") + "\n" +
		kind.Loud(g.Unit, "systemctl start "+shell.Quote(g.Unit)) + "\n" +
		"mariadb --no-defaults <<'SQL'\nCREATE DATABASE IF NOT EXISTS haprov;\n" +
		"CREATE TABLE IF NOT EXISTS haprov.history (position VARCHAR(64) NOT NULL PRIMARY KEY, ended DATETIME NOT NULL, missing VARCHAR(255) NOT NULL) ENGINE=InnoDB;\n" +
		"REPLACE INTO haprov.history VALUES ('" + p.String() + "', UTC_TIMESTAMP(), LEFT('" + strings.Join(without, " ") + "', 255));\nSQL"
	return g.first(ms, m, name, text)
}
