// Package file reads files that a user names or that lie in the state folder.
//
// Every such file goes through here, because a name may lead to anything: a FIFO that nobody
// writes to, a device without end, a sparse file of terabytes. What is opened is a regular file,
// opening never waits for a writer, and reading is bounded. The package must not know what a file
// is for.
package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// maxRead is how long a file that waits for something is read.
const maxRead = 5 * time.Second

// ErrNotRegular: the name leads to a folder, a device, a FIFO or a socket.
var ErrNotRegular = errors.New("not a regular file")

// ErrTooLarge: the file has more bytes than its reader takes.
var ErrTooLarge = errors.New("too large")

// Open opens a regular file for reading and gives what is known of it. The caller closes it. It
// follows symbolic links. Errors: ErrNotRegular, or the system's.
func Open(path string) (*os.File, fs.FileInfo, error) { return open(host{}, path, 0) }

// OpenIn is Open for a name below root; links that lead out of it are errors.
func OpenIn(root *os.Root, name string) (*os.File, fs.FileInfo, error) { return open(root, name, 0) }

// Read reads a regular file of at most limit bytes. Its size is looked at first; a file that grows
// meanwhile, or lies about its size as those in /proc do, is cut off by the limit too. Errors:
// ErrNotRegular, ErrTooLarge, or the system's.
func Read(path string, limit int64) ([]byte, error) {
	f, info, err := Open(path)
	return read(f, info, path, limit, err)
}

// ReadIn is Read for a name below root; links that lead out of it are errors.
func ReadIn(root *os.Root, name string, limit int64) ([]byte, error) {
	f, info, err := OpenIn(root, name)
	return read(f, info, name, limit, err)
}

// ReadPrivate is Read for a secret: the file belongs to the caller, others can neither read nor
// write it, and it is no symbolic link.
func ReadPrivate(path string, limit int64) ([]byte, error) {
	f, info, err := open(host{}, path, syscall.O_NOFOLLOW)
	if err == nil {
		if err = private(path, info); err != nil {
			f.Close()
		}
	}
	return read(f, info, path, limit, err)
}

// opener is the machine's files, or those below an os.Root.
type opener interface {
	OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error)
	Stat(name string) (fs.FileInfo, error)
}

type host struct{}

func (host) OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	return os.OpenFile(name, flag, perm)
}
func (host) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// open looks at the type twice: before, since opening a device can do something (rewind a tape),
// and after, since the name may lead elsewhere by then. O_NONBLOCK keeps a FIFO from waiting; it
// changes nothing for regular files (open(2)).
func open(o opener, name string, flag int) (*os.File, fs.FileInfo, error) {
	defer waitFor(name)()
	info, err := o.Stat(name)
	if err == nil {
		err = regular(name, info)
	}
	if err != nil {
		return nil, nil, err
	}
	f, err := o.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY|flag, 0)
	if err != nil {
		return nil, nil, err
	}
	if info, err = f.Stat(); err == nil {
		err = regular(name, info)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

func read(f *os.File, info fs.FileInfo, name string, limit int64, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer f.Close()
	defer waitFor(name)()
	if info.Size() > limit {
		return nil, fmt.Errorf("%s has %d bytes, at most %d are read: %w", name, info.Size(), limit, ErrTooLarge)
	}
	f.SetReadDeadline(time.Now().Add(maxRead)) // for what waits, as files of /proc do; others have none
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes: %w", name, limit, ErrTooLarge)
	}
	return b, err
}

func regular(name string, info fs.FileInfo) error {
	if info.Mode().IsRegular() {
		return nil
	}
	is := "is something else"
	switch m := info.Mode(); {
	case m.IsDir():
		is = "is a directory"
	case m&fs.ModeNamedPipe != 0:
		is = "is a FIFO"
	case m&fs.ModeDevice != 0:
		is = "is a device"
	case m&fs.ModeSocket != 0:
		is = "is a socket"
	}
	return fmt.Errorf("%s %s: %w", name, is, ErrNotRegular)
}
