package file

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// CopySparse copies a file to an offset of another, without its holes: what lies there in to stays as
// it is. It may be repeated.
func CopySparse(to *os.File, offset int64, from *os.File) error {
	for at := int64(0); ; {
		data, err := unix.Seek(int(from.Fd()), at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) { // nothing but holes from here on
			return nil
		}
		if err != nil {
			return err
		}
		hole, err := unix.Seek(int(from.Fd()), data, unix.SEEK_HOLE)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.NewOffsetWriter(to, offset+data), io.NewSectionReader(from, data, hole-data)); err != nil {
			return err
		}
		at = hole
	}
}

// Clone makes a new file, 0600, with what another holds and with its holes. Where the file system can,
// both share their blocks until one is written (ioctl_ficlone(2)): that takes no time and no room.
func Clone(to, from string) error {
	in, info, err := Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if unix.IoctlFileClone(int(out.Fd()), int(in.Fd())) != nil {
		err = errors.Join(out.Truncate(info.Size()), CopySparse(out, 0, in))
	}
	return errors.Join(err, out.Close())
}
