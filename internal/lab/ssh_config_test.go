package lab

import (
	"os"
	"sync"
	"testing"
)

// Two `haprov ssh` at once: the second rewrites the file that the first one's ssh is reading.
func TestTheSSHConfigIsWholeWhileOthersWriteIt(t *testing.T) {
	c := &Client{place: place{t.TempDir()}, spec: Spec{Name: "x", Hosts: []Host{{Name: "db1", NICs: []NIC{{Address: "192.0.2.1"}}}}}}
	path, err := c.WriteSSHConfig("/haprov")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 300 {
				if _, err := c.WriteSSHConfig("/haprov"); err != nil {
					t.Error(err)
					return
				}
				if b, err := os.ReadFile(path); err != nil || string(b) != c.SSHConfig("/haprov") {
					t.Errorf("%d bytes, %v", len(b), err)
					return
				}
			}
		})
	}
	all.Wait()
	if left, _ := os.ReadDir(c.place.dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}
