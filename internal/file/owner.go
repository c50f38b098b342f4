package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// unmapped is the owner that the kernel shows for a user that a user namespace does not map
// (user_namespaces(7)): nothing can be told from it.
const unmapped = 65534

// Folder checks that nobody else can change what lies in a folder of the caller's own: it belongs
// to the caller, and neither its group nor others write there. What leads to it belongs to the
// caller or to root, and others can put nothing in its place. A folder that is not there yet is
// judged by what leads to it. The error says the command that mends it.
func Folder(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real // what leads to a link's place is judged by who made the link
	}
	info, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", dir)
	case !mine(info):
		return fmt.Errorf("%s belongs to another user: chown %d %s", dir, os.Geteuid(), dir)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("%s may be changed by others: chmod go-w %s", dir, dir)
	}
	for up := filepath.Dir(dir); ; up = filepath.Dir(up) {
		if err := leads(up); err != nil {
			return err
		}
		if up == filepath.Dir(up) {
			return nil
		}
	}
}

// leads checks a folder on the way: who can rename in it can put another folder in place of the next.
func leads(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", dir)
	case !ok || info.Mode()&fs.ModeSticky != 0 && st.Uid == 0: // as /tmp: each renames what is his own
		return nil
	case int(st.Uid) != os.Geteuid() && st.Uid != 0 && st.Uid != unmapped:
		return fmt.Errorf("%s belongs to another user, who can replace what lies in it: chown %d %s, or use another folder (HAPROV_STATE)", dir, os.Geteuid(), dir)
	case info.Mode().Perm()&0o002 != 0:
		return fmt.Errorf("%s may be changed by others: chmod o-w %s", dir, dir)
	case info.Mode().Perm()&0o020 != 0 && int(st.Gid) != os.Getegid(): // one's own group is often private
		return fmt.Errorf("%s may be changed by its group: chmod g-w %s", dir, dir)
	}
	return nil
}

func private(path string, info fs.FileInfo) error {
	switch {
	case !mine(info):
		return fmt.Errorf("%s belongs to another user: chown %d %s", path, os.Geteuid(), path)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s may be read by others: chmod 600 %s", path, path)
	}
	return nil
}

func mine(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return !ok || int(st.Uid) == os.Geteuid()
}
