package image

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A qcow2 that a user or a box brings may name other files of this machine, as its base or for its
// data, and QEMU would open them: it would show them to the guest. Such a disk is refused by what
// its header says, before any program looks at it (qemu.org, docs/interop/qcow2.txt).
const (
	qcow2Magic    = 0x514649fb // "QFI", 0xfb
	qcow2Header   = 104        // bytes of version 3's fixed part
	qcow2Features = 0x1 | 0x8  // of version 3, incompatible: dirty, compression type. Known and harmless
	qcow2External = 0x4        // its data is in another file
	maxDisk       = 8 << 40    // bytes of a disk as the guest sees it
)

// checkQcow2 says why a disk may not be started; nil: it stands by itself. It reads the header alone.
func checkQcow2(r io.ReaderAt) error {
	b := make([]byte, qcow2Header)
	n, err := r.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if n < 72 || binary.BigEndian.Uint32(b) != qcow2Magic {
		return errors.New("it is no disk in the format qcow2")
	}
	version := binary.BigEndian.Uint32(b[4:])
	size := binary.BigEndian.Uint64(b[24:])
	switch {
	case version != 2 && version != 3, version == 3 && n < qcow2Header:
		return fmt.Errorf("its qcow2 version is %d: expected 2 or 3", version)
	case binary.BigEndian.Uint64(b[8:]) != 0:
		return errors.New("it is a difference to another disk, and needs that one: expected a disk that stands by itself (qemu-img convert -O qcow2 makes one)")
	case binary.BigEndian.Uint32(b[32:]) != 0:
		return errors.New("it is encrypted")
	case size == 0 || size > maxDisk:
		return fmt.Errorf("its size is %d bytes: expected at most 8 TiB", size)
	}
	if version == 3 {
		switch features := binary.BigEndian.Uint64(b[72:]); {
		case features&qcow2External != 0:
			return errors.New("its data lies in another file: expected a disk that stands by itself")
		case features&^uint64(qcow2Features) != 0:
			return fmt.Errorf("it needs features of qcow2 that are not known here, or is damaged (%#x)", features)
		}
	}
	return nil
}
