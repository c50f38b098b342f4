package mariadb

import (
	"testing"

	"haprov/internal/kind/kindtest"
	"haprov/internal/probe"
)

// As on a standby, whose server has been stopped: it reads the files when it starts, and nothing stays owed.
func TestCertificatesOfAStoppedServerAreReadAtItsStart(t *testing.T) {
	m := &MySQLTLS{Name: "mysql-server"}
	s := probe.NewSeen(kindtest.Answer(m.owed(), 0, "reload")).
		With(kindtest.Answer(m.query(), 1, "ERROR 2002 (HY000): Can't connect to local server through socket '/run/mysqld/mysqld.sock' (2)\n"))
	c, err := m.Decide(s)
	if err != nil || len(c.Actions) != 1 || c.Actions[0].Shell != "true" || len(c.Actions[0].Pays) != 1 {
		t.Errorf("%+v %v", c, err)
	}
	hung := probe.NewSeen(kindtest.Answer(m.owed(), 0, "reload")).With(kindtest.Answer(m.query(), 124, ""))
	if c, err := m.Decide(hung); err != nil || c.Later == "" {
		t.Errorf("a hung server: %+v %v", c, err)
	}
}
