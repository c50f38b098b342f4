package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"haprov/internal/lab/archive"
	"haprov/internal/lab/machine"
)

// Runtime is User-Mode Linux as this machine can run it.
type Runtime struct {
	Version string // of Debian's package
	Program string // the kernel, bound to a C library of its own
	Modules string // folder of its modules, one folder a kernel version
}

// umlSuites are tried in this order. Kernels before 7.2 die at the first user process on
// processors with wide register state (AMX), so the newest comes first; a day's sid may be broken.
var umlSuites = []string{"sid", "testing", "trixie-backports", "trixie"}

// FetchUML returns a User-Mode Linux that boots here, from the cache when it is there. It comes
// from this machine's own Debian archive, with the C library of the same suite beside it, since
// it may want a newer one than this machine has; neither touches this machine's own packages.
func FetchUML(ctx context.Context, cache string, progress func(string)) (Runtime, error) {
	dir := filepath.Join(cache, "uml")
	kept := filepath.Join(dir, "kept")
	err := once(ctx, kept, func(temp string) error {
		if len(archive.Of("sid")) == 0 {
			return errors.New("this machine's apt names no Debian archive to fetch user-mode-linux from")
		}
		var failed []error
		for _, suite := range umlSuites {
			progress("fetching User-Mode Linux from Debian " + suite)
			err := fetchFrom(ctx, suite, temp, kept)
			if err == nil {
				return nil
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			failed = append(failed, fmt.Errorf("%s: %w", suite, err))
			progress(fmt.Sprintf("User-Mode Linux of Debian %s cannot be used here: %v", suite, err))
			if err := empty(temp); err != nil {
				return err
			}
		}
		return errors.Join(failed...)
	})
	if err != nil {
		return Runtime{}, fmt.Errorf("user-mode-linux: %w", err)
	}
	version, err := os.ReadFile(filepath.Join(kept, "version"))
	r := Runtime{Version: strings.TrimSpace(string(version)), Program: filepath.Join(kept, "linux"), Modules: filepath.Join(kept, "modules")}
	return r, err
}

// fetchFrom makes a runtime in temp, to be renamed to final. A program names its C library by
// an absolute path, so it is bound twice: where it is tried, and where it will stand.
func fetchFrom(ctx context.Context, suite, temp, final string) error {
	debs, err := download(ctx, suite, filepath.Join(temp, "apt"), "user-mode-linux", "libc6")
	if err != nil {
		return err
	}
	root := filepath.Join(temp, "root")
	for _, deb := range debs {
		if err := run(ctx, exec.Command("dpkg-deb", "-x", deb, root), nil); err != nil {
			return err
		}
	}
	libs, err := filepath.Glob(filepath.Join(root, "usr/lib/x86_64-linux-gnu"))
	if err != nil || len(libs) == 0 {
		if libs, _ = filepath.Glob(filepath.Join(root, "lib/x86_64-linux-gnu")); len(libs) == 0 {
			return errors.New("libc6 has no libraries where they are expected")
		}
	}
	program := filepath.Join(temp, "linux")
	for from, to := range map[string]string{
		filepath.Join(root, "usr/bin/linux.uml"):   program,
		filepath.Join(root, "usr/lib/uml/modules"): filepath.Join(temp, "modules"),
		libs[0]: filepath.Join(temp, "lib"),
	} {
		if err := os.Rename(from, to); err != nil {
			return err
		}
	}
	if err := bind(ctx, program, filepath.Join(temp, "lib")); err != nil {
		return err
	}
	if err := (machine.UML{Kernel: program}).Works(ctx); err != nil {
		return err
	}
	if err := bind(ctx, program, filepath.Join(final, "lib")); err != nil {
		return err
	}
	_, version, _ := strings.Cut(filepath.Base(debs[0]), "_")
	version = strings.TrimSuffix(version, ".deb")
	if err := os.WriteFile(filepath.Join(temp, "version"), []byte(version+" "+suite+"\n"), 0o644); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(root), os.RemoveAll(filepath.Join(temp, "apt")))
}

// bind makes program use the C library in lib. Starting it through ld.so would not do: the
// kernel looks itself up as /proc/self/exe.
func bind(ctx context.Context, program, lib string) error {
	return run(ctx, exec.Command("patchelf", "--set-interpreter", filepath.Join(lib, "ld-linux-x86-64.so.2"), "--set-rpath", lib, program), nil)
}

// empty removes what is in dir.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}
