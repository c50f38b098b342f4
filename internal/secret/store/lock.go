package store

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// FileWait is how long a lock is waited for that is held while a file is written.
const FileWait = 20 * time.Second

// Lock keeps other processes of this machine that ask for it out of a folder, until unlock or the
// end of the process. It writes nothing. ErrUnavailable when another one holds it for longer than wait.
func Lock(dir string, wait time.Duration) (unlock func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(wait); ; time.Sleep(20 * time.Millisecond) {
		err = unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return func() { d.Close() }, nil
		case errors.Is(err, unix.EINTR):
		case !errors.Is(err, unix.EWOULDBLOCK):
			d.Close()
			return nil, fmt.Errorf("%s cannot be locked: %w; it must be on a file system with flock", dir, err)
		case time.Now().After(end):
			d.Close()
			return nil, fmt.Errorf("%s is locked by another process for more than %s: %w", dir, wait, ErrUnavailable)
		}
	}
}
