package shelltest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// OnHosts are the commands that haprov itself runs on a host, by the Debian package that has them:
// for questions, files, the lock and jobs. docs/real-machines.md lists the packages. What a step or
// recipe is about (mount, useradd, drbdadm, mariadb) comes besides, and is called only for that.
var OnHosts = map[string][]string{
	"dash":       {"sh"},
	"coreutils":  {"base64", "cat", "chmod", "chown", "cut", "date", "dd", "head", "id", "ln", "mkdir", "mv", "nproc", "od", "readlink", "rm", "sha256sum", "sleep", "stat", "sync", "tail", "timeout", "touch", "tr", "true", "uname", "wc"},
	"util-linux": {"blkid", "blockdev", "flock", "setsid"},
	"grep":       {"grep"},
	"dpkg":       {"dpkg", "dpkg-query"},
	"apt":        {"apt-get"},
	"systemd":    {"systemctl"},
	"libc-bin":   {"getent"},
	"iproute2":   {"ip"},
}

// OnlyHostCommands makes $PATH a folder that has no commands but those of OnHosts and the given ones
// of steps, until restore is called: scripts that are run meanwhile need nothing else of a host.
func OnlyHostCommands(ofSteps ...string) (restore func(), err error) {
	dir, err := os.MkdirTemp("", "haprov-path")
	if err != nil {
		return nil, err
	}
	names := slices.Clone(ofSteps)
	for _, l := range OnHosts {
		names = append(names, l...)
	}
	for _, n := range names {
		at, err := exec.LookPath(n)
		if err != nil {
			continue // not on this machine: the script that needs it tells
		}
		if err := os.Symlink(at, filepath.Join(dir, n)); err != nil {
			return nil, fmt.Errorf("%s: %w", n, err)
		}
	}
	before := os.Getenv("PATH")
	if err := os.Setenv("PATH", dir); err != nil {
		return nil, err
	}
	return func() {
		os.Setenv("PATH", before)
		os.RemoveAll(dir)
	}, nil
}

// Run is m.Run with no commands in $PATH but those of OnHosts and the given ones.
func Run(m interface{ Run() int }, ofSteps ...string) int {
	restore, err := OnlyHostCommands(ofSteps...)
	if err != nil {
		panic(err)
	}
	defer restore()
	return m.Run()
}
