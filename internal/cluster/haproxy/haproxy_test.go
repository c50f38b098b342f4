package haproxy

import (
	"os"
	"strings"
	"testing"
)

func TestServersAreReadFromARealAnswer(t *testing.T) {
	text, err := os.ReadFile("testdata/stat.csv") // of HAProxy 2.6.12
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseStat(string(text))
	if err != nil || len(got) != 3 {
		t.Fatalf("%v %v", got, err)
	}
	if s := got[0]; s.Name != "db1" || s.ID != 1 || !s.Up() || s.Backup || s.Sessions != 1 || s.Check != "L4OK" {
		t.Errorf("db1: %+v", s)
	}
	if s := got[1]; !s.Up() || !s.Backup {
		t.Errorf("db2: %+v", s)
	}
	if s := got[2]; s.Up() || s.ID != 3 || s.Said != "Layer4 connection problem" && s.Said != "Connection refused" {
		t.Errorf("db3: %+v", s)
	}
}

func TestATableIsReadStrictly(t *testing.T) {
	got, err := ParseTable("# table: writer, type: integer, size:16, used:1\n0x55d2820a04f0: key=3306 use=0 exp=0 server_id=2 server_key=-\n")
	if err != nil || len(got) != 1 || got[0] != (Entry{"3306", 2}) {
		t.Errorf("%v %v", got, err)
	}
	for _, bad := range []string{"", "No such table", "# table: x\ngarbage", "# table: x\n0x1: key=1 server_id=many"} {
		if e, err := ParseTable(bad); err == nil {
			t.Errorf("%q: %v", bad, e)
		}
	}
}

func TestGarbageIsNoAnswer(t *testing.T) {
	for _, bad := range []string{"", "Permission denied", "# a,b\n1,2", "# pxname,svname,status,bck,scur,sid,type,check_status,last_chk\nw,a,UP,0,0,x,2,,\n", "# \"", strings.Repeat("\x00", 64)} {
		if s, err := ParseStat(bad); err == nil {
			t.Errorf("%q: %v", bad, s)
		}
	}
}
