package file

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestACloneHasTheSameBytesAndTakesNoMoreRoom(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	f, err := os.Create(from)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for at, text := range map[int64]string{0: "begin", 8 << 20: "middle", 64<<20 - 3: "end"} {
		if _, err := f.WriteAt([]byte(text), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Truncate(100 << 20); err != nil { // ends with a hole
		t.Fatal(err)
	}
	if err := Clone(to, from); err != nil {
		t.Fatal(err)
	}
	a, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(to)
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("the clone differs: %v", err)
	}
	info, err := os.Stat(to)
	if err != nil {
		t.Fatal(err)
	}
	if room := info.Sys().(*syscall.Stat_t).Blocks * 512; room > 1<<20 {
		t.Errorf("a clone of 14 bytes in 100 MiB takes %d bytes", room)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %s", info.Mode())
	}
	if err := Clone(to, from); !os.IsExist(err) {
		t.Errorf("over what is there: %v", err)
	}
}
