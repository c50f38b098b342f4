package corosync

import (
	"os"
	"reflect"
	"testing"
)

func TestCapturedAnswers(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	own, l, err := ParseLinks(read("cfgtool-n-3.1.7.txt"))
	if err != nil || own != 1 || !reflect.DeepEqual(l, []Link{{2, 0, true, "192.168.56.12"}, {2, 1, true, "192.168.57.12"}}) {
		t.Errorf("%v %v", l, err)
	}
	q, err := ParseQuorum(read("quorumtool-s-3.1.7.txt"))
	if err != nil || q != (Quorum{Quorate: true, Votes: 2, Expect: 2}) {
		t.Errorf("%v %v", q, err)
	}
}

func TestCapturedVotesOfAnArbiter(t *testing.T) {
	for name, want := range map[string]Quorum{
		"arbiter":               {Quorate: true, Votes: 3, Expect: 3, Device: true, Voting: true},
		"arbiter-away":          {Quorate: true, Votes: 2, Expect: 3, Device: true},
		"arbiter-and-node-away": {Votes: 1, Expect: 3, Device: true},
	} {
		b, err := os.ReadFile("testdata/quorumtool-s-3.1.7-" + name + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		if q, err := ParseQuorum(string(b)); err != nil || q != want {
			t.Errorf("%s: %+v %v", name, q, err)
		}
	}
}
