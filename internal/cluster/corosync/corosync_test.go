package corosync

import (
	"reflect"
	"testing"
)

func TestLinksAndQuorum(t *testing.T) {
	own, got, err := ParseLinks("Local node ID 1, transport knet\nnodeid: 2 reachable\n   LINK: 0 udp (192.0.2.1->192.0.2.2) enabled connected mtu: 1397\n   LINK: 1 udp (198.51.100.1->198.51.100.2) enabled mtu: 1397\n")
	if want := []Link{{2, 0, true, "192.0.2.2"}, {2, 1, false, "198.51.100.2"}}; err != nil || own != 1 || !reflect.DeepEqual(got, want) {
		t.Errorf("%v %v", got, err)
	}
	for _, bad := range []string{"", "Cannot initialise CFG service", "Local node ID x, transport knet", "Local node ID 1, transport knet\nnodeid: x reachable", "Local node ID 1, transport knet\n LINK: 0 udp (a->b) enabled"} {
		if _, l, err := ParseLinks(bad); err == nil {
			t.Errorf("%q: %v", bad, l)
		}
	}
	q, err := ParseQuorum("Quorum information\n------------------\nNodes:            2\nQuorate:          Yes\n\nExpected votes:   2\nHighest expected: 2\nTotal votes:      2\nFlags:            2Node Quorate WaitForAll\n")
	if err != nil || q != (Quorum{Quorate: true, Votes: 2, Expect: 2}) {
		t.Errorf("%v %v", q, err)
	}
	if q, err := ParseQuorum("Cannot initialize QUORUM service"); err == nil {
		t.Errorf("%v", q)
	}
}
