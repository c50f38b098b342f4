package image

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// A lab's machines cannot be started without the image that their disks are differences to.
func TestPruneKeepsWhatALabUses(t *testing.T) {
	cache, lab := t.TempDir(), t.TempDir()
	now := time.Now()
	for digest, age := range map[string]time.Duration{"used": 50 * time.Hour, "left": 50 * time.Hour, "moved": 50 * time.Hour, "fresh": time.Minute} {
		dir := filepath.Join(cache, "images", digest)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "root.ext4"), make([]byte, 8192), 0o444); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(dir, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	choice := filepath.Join(lab, "machine.json")
	if err := os.WriteFile(choice, []byte(`{"image":"used"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, claim := range [][2]string{{"used", choice}, {"used", choice}, {"moved", choice}, {"left", filepath.Join(lab, "destroyed", "machine.json")}} {
		if err := Claim(cache, claim[0], claim[1]); err != nil {
			t.Fatal(err)
		}
	}
	all, err := List(cache)
	if err != nil || len(all) != 4 {
		t.Fatalf("%+v %v", all, err)
	}
	if u := all[slices.IndexFunc(all, func(s Stored) bool { return s.Digest == "used" })]; !slices.Equal(u.Labs, []string{lab}) || u.Bytes < 8192 {
		t.Errorf("the used one: %+v", u)
	}
	removed, err := Prune(t.Context(), cache, now)
	var names []string
	for _, s := range removed {
		names = append(names, s.Digest)
	}
	if err != nil || !slices.Equal(names, []string{"left", "moved"}) {
		t.Errorf("removed %v: %v", names, err)
	}
	for digest, want := range map[string]bool{"used": true, "fresh": true, "left": false, "moved": false} {
		if _, err := os.Stat(filepath.Join(cache, "images", digest)); (err == nil) != want {
			t.Errorf("%s: is there %v, expected %v", digest, err == nil, want)
		}
	}
}
