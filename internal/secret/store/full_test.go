package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"haprov/internal/secret/ca"
	"haprov/internal/secret/store"
)

// certificates makes an authority and its members, as a recipe asks for them. Whose authority is
// another one's is in bad.
func certificates(s *store.Store) (bad []string) {
	authority, _, _ := s.Make("shop", "tls-ca", func() (string, error) { return ca.New("shop", time.Now()) })
	for _, name := range []string{"n1", "n2", "n3"} {
		member, _, _ := s.Make("shop", "tls-"+name, func() (string, error) { return ca.Issue(authority.Reveal(), name, time.Now()) })
		if !ca.Signed(authority.Reveal(), member.Reveal(), name) {
			bad = append(bad, name)
		}
	}
	return bad
}

// A file system with room for a few inodes is full at one write after the other.
func TestADiskThatIsFullAtAnyWriteLeavesNothingToMend(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount a small file system")
	}
	failed, done := 0, 0
	for _, limit := range []string{"nr_inodes=%d", "nr_inodes=40,size=%dk"} {
		for n := 1; n <= 12; n++ {
			dir := t.TempDir()
			small := fmt.Sprintf(limit, n)
			if limit != "nr_inodes=%d" {
				small = fmt.Sprintf(limit, 4*n)
			}
			if err := syscall.Mount("small", dir, "tmpfs", 0, "mode=700,"+small); err != nil {
				t.Skipf("needs to mount: %v", err)
			}
			t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
			secrets := filepath.Join(dir, "secrets")
			s := open(t, secrets)
			if bad := certificates(s); len(bad) > 0 {
				t.Fatal("in memory already", bad)
			}
			if err := s.Commit(); err == nil {
				done++
			} else {
				failed++
			}
			if left, _ := filepath.Glob(secrets + "/shop/.new-*"); len(left) > 0 {
				t.Errorf("%s: left behind: %v", small, left)
			}
			if err := syscall.Mount("small", dir, "tmpfs", syscall.MS_REMOUNT, "nr_inodes=100,size=4m"); err != nil {
				t.Fatal(err)
			}
			// The next run reads what is there and makes the rest.
			next := open(t, secrets)
			if bad := certificates(next); len(bad) > 0 || next.Err() != nil {
				t.Errorf("%s: the next run finds certificates of another authority: %v, %v", small, bad, next.Err())
			}
			if err := next.Commit(); err != nil {
				t.Errorf("%s: %v", small, err)
			}
			if bad := certificates(open(t, secrets)); len(bad) > 0 {
				t.Errorf("%s: for ever: %v", small, bad)
			}
		}
	}
	if failed < 8 || done == 0 {
		t.Errorf("%d failed, %d did not: the limits are no longer about the writes", failed, done)
	}
}
