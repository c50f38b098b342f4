package image

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
	"path"
	"time"
)

// seedUnit is what a seed's size is a multiple of.
const seedUnit = 64 << 10

// SeedFile is one file of a seed, owned by root.
type SeedFile struct {
	Path string // relative to /: etc/hostname
	Mode int64  // 0 means 0644
	Data []byte
	Link string // when not empty: a symbolic link to this, Mode and Data unused
}

// WriteSeed makes the raw file that a machine unpacks over / at each boot: the first process
// does it, so units and their .wants links count as if installed. Folders that are missing are
// made with mode 0755, those that exist keep theirs. The file holds secrets: mode 0600. Writing
// the same files again gives the same bytes; a seed in use is replaced, not changed in place.
func WriteSeed(name string, files []SeedFile) error {
	f, err := os.CreateTemp(path.Dir(name), ".seed-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	w := tar.NewWriter(f)
	for _, file := range files {
		if clean := path.Clean("/" + file.Path)[1:]; clean != file.Path || clean == "" {
			return fmt.Errorf("seed: path %q is not plain and relative", file.Path)
		}
		h := &tar.Header{Name: file.Path, Mode: file.Mode, Size: int64(len(file.Data)), ModTime: time.Unix(0, 0), Typeflag: tar.TypeReg}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if file.Link != "" {
			h.Typeflag, h.Linkname, h.Size, h.Mode = tar.TypeSymlink, file.Link, 0, 0o777
		}
		if err := w.WriteHeader(h); err != nil {
			return fmt.Errorf("seed: %s: %w", file.Path, err)
		}
		if file.Link != "" {
			continue
		}
		if _, err := w.Write(file.Data); err != nil {
			return fmt.Errorf("seed: %s: %w", file.Path, err)
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	// Whole sectors would do; the kernel's look for partition tables wants a few more.
	end, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if err := f.Truncate((end + seedUnit - 1) / seedUnit * seedUnit); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
