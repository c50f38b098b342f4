package pacemaker

import (
	"os"
	"reflect"
	"testing"
)

func TestACapturedHealthyAnswer(t *testing.T) {
	b, err := os.ReadFile("testdata/crm_mon-2.1.5-healthy.xml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseMon(string(b))
	if err != nil || !s.Quorum || s.Active() != "db1" || len(s.Late()) > 0 || len(s.Resources) != 7 {
		t.Errorf("%+v %v", s, err)
	}
	if x, err := ParseTrouble(string(b)); err != nil || !reflect.DeepEqual(x, Trouble{}) {
		t.Errorf("%+v %v", x, err)
	}
}

// TestCapturedThreeNodes reads what three nodes said with a group on the second one.
func TestCapturedThreeNodes(t *testing.T) {
	b, err := os.ReadFile("testdata/crm_mon-2.1.5-three-nodes.xml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseMon(string(b))
	if err != nil || !s.Quorum || len(s.Online()) != 3 || s.Active() != "n2" || s.Active("front") != "n2" || len(s.Late()) > 0 {
		t.Errorf("%+v %v", s, err)
	}
}

// TestCapturedTakeOver reads what a survivor said after the active one of three lost its power.
func TestCapturedTakeOver(t *testing.T) {
	b, err := os.ReadFile("testdata/crm_mon-2.1.5-one-of-three-away.xml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseMon(string(b))
	if err != nil || !s.Quorum || !reflect.DeepEqual(s.Online(), []string{"n2", "n3"}) || s.Active("front") != "n2" || len(s.Late()) > 0 {
		t.Errorf("%+v %v", s, err)
	}
}
