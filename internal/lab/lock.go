package lab

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// errLocked: another process holds the lock.
var errLocked = errors.New("in use by another haprov process")

// tryLock takes a lock file, which the kernel frees when its holder ends, however it ends.
func tryLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w", path, errLocked)
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// waitLock waits for the lock until ctx ends.
func waitLock(ctx context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	got := make(chan error, 1)
	go func() {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		for errors.Is(err, syscall.EINTR) {
			err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		}
		got <- err
	}()
	select {
	case err := <-got:
		if err != nil {
			f.Close()
			return nil, err
		}
		return f, nil
	case <-ctx.Done():
		go func() { <-got; f.Close() }()
		return nil, context.Cause(ctx)
	}
}

// longest is what fits in a unix socket's address, less the longest name we put in: HOST.NIC.
const longest = 107 - 70

// runDir is the private directory of a lab's sockets: in its state directory when the path is
// short enough for a socket's address, else under the temporary directory, by user and digest.
// XDG_RUNTIME_DIR is no place for it: it goes away when the user logs out, the lab does not.
func runDir(dir string) (string, error) {
	if run := filepath.Join(dir, "run"); len(run) <= longest {
		return run, os.MkdirAll(run, 0o700)
	}
	parent := fmt.Sprintf("/tmp/haprov-%d", os.Getuid())
	if err := os.Mkdir(parent, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(parent)
	if err != nil {
		return "", err
	}
	owner, known := info.Sys().(*syscall.Stat_t)
	if !known || !info.IsDir() || info.Mode().Perm() != 0o700 || int(owner.Uid) != os.Getuid() {
		return "", fmt.Errorf("%s is not a private directory of this user", parent)
	}
	run := filepath.Join(parent, fmt.Sprintf("%x", sha256.Sum256([]byte(dir)))[:12])
	if err := os.Mkdir(run, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	return run, nil
}
