package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haprov/internal/act"
	step "haprov/internal/kind/host"
	"haprov/internal/recipe"
)

func TestALargeFileTravelsBesideTheBatch(t *testing.T) {
	l, dir := newLab(t), t.TempDir()
	source, target := filepath.Join(dir, "source"), filepath.Join(dir, "it's large")
	text := bytes.Repeat([]byte("0123456789\x00\n"), 1<<18)
	if err := os.WriteFile(source, text, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	f := &step.File{Path: target, Mode: "0640", Blob: &act.Blob{Path: source, Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:])}}
	f.Validate = "[ $(stat -c %a %s) = 640 ]"
	h := recipe.Chain{Host: "db1", Items: []*recipe.Item{{Address: "db1:file.large", Step: f}}}
	s, err := l.run(h)
	if err != nil || s.Changes != 1 || s.Counts["db1"].Execs != 1 {
		t.Fatalf("%+v %v", s, err)
	}
	got, _ := os.ReadFile(target)
	if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o640 || !bytes.Equal(got, text) {
		t.Errorf("%d bytes arrived, %v", len(got), err)
	}
	if s, err := l.run(h); err != nil || s.Changes != 0 || s.Counts["db1"].Exchanges != 1 {
		t.Errorf("again: %+v %v", s, err)
	}
	// The file changes between the decision and the action: what stands on the host stays.
	f.Blob.SHA256 = strings.Repeat("0", 64)
	if _, err := l.run(h); !errors.Is(err, ErrHosts) {
		t.Errorf("another text was taken: %v", err)
	}
	if now, _ := os.ReadFile(target); !bytes.Equal(now, text) {
		t.Error("the file on the host did not stay")
	}
}
