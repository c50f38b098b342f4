package image

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestSeedHoldsFilesWithModesAndLinksInWholeSectors(t *testing.T) {
	name := filepath.Join(t.TempDir(), "seed")
	files := []SeedFile{
		{Path: "etc/hostname", Data: []byte("db1\n")},
		{Path: "root/.ssh/authorized_keys", Mode: 0o600, Data: []byte("key")},
		{Path: "etc/systemd/system/multi-user.target.wants/x.service", Link: "../x.service"},
	}
	if err := WriteSeed(name, files); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if len(first)%512 != 0 {
		t.Errorf("size %d is not whole sectors: a block device would cut it", len(first))
	}
	info, _ := os.Stat(name)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v: host keys are in it", info.Mode())
	}
	r := tar.NewReader(bytes.NewReader(first))
	for _, want := range files {
		h, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(r)
		if h.Name != want.Path || h.Linkname != want.Link || string(data) != string(want.Data) || h.Uid != 0 {
			t.Errorf("got %+v %q, want %+v", h, data, want)
		}
		if want.Mode != 0 && h.Mode != want.Mode {
			t.Errorf("%s: mode %o", h.Name, h.Mode)
		}
	}
	if err := WriteSeed(name, files); err != nil {
		t.Fatal(err)
	}
	if second, _ := os.ReadFile(name); !bytes.Equal(first, second) {
		t.Error("the same files made other bytes")
	}
}

func TestSeedRefusesPathsThatAreNotPlain(t *testing.T) {
	for _, path := range []string{"", "/etc/x", "../x", "etc//x", "etc/x/"} {
		name := filepath.Join(t.TempDir(), "seed")
		if err := WriteSeed(name, []SeedFile{{Path: path}}); err == nil {
			t.Errorf("%q was taken", path)
		}
		if _, err := os.Stat(name); err == nil {
			t.Errorf("%q: a seed was left", path)
		}
	}
}
