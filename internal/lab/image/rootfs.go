package image

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// guest holds what goes into the image, and the script that puts it there.
//
//go:embed guest
var guest embed.FS

// rootfs builds the disk, and for a stock kernel that kernel and its initrd, into dir. An
// ordinary user builds in a user namespace, whose root is one of the user's subordinate ids.
func (d Definition) rootfs(ctx context.Context, dir, modules string, progress func(string)) error {
	begin := time.Now()
	mode, work, temp := "root", filepath.Join(dir, "work"), ""
	if os.Geteuid() != 0 {
		// The namespace's root is a stranger to this user's folders. It works in an open folder
		// under a closed one, whose name nobody else can find.
		mode, temp = "unshare", "/var/tmp"
		closed, err := os.MkdirTemp(temp, "haprov-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(closed)
		if err := os.Chmod(closed, 0o711); err != nil {
			return err
		}
		if work, err = os.MkdirTemp(closed, ""); err != nil {
			return err
		}
	} else if err := os.Mkdir(work, 0o755); err != nil {
		return err
	}
	if mode == "unshare" {
		if err := os.Chmod(work, 0o777); err != nil {
			return err
		}
	}
	if err := unpack(guest, work); err != nil {
		return err
	}
	if modules != "" {
		if err := run(ctx, exec.Command("cp", "-r", modules, filepath.Join(work, "modules")), nil); err != nil {
			return err
		}
	}
	include := d.Base
	if d.Kernel == Stock {
		include = append([]string{"linux-image-amd64", "initramfs-tools"}, include...)
	}
	hook := fmt.Sprintf(`SIZE=%s sh %s/guest/build.sh "$1" %s %s`, d.Size, work, work, strings.Join(d.Packages, " "))
	args := []string{"--mode=" + mode, "--variant=minbase", "--format=null",
		"--aptopt=Acquire::Languages \"none\"", "--aptopt=APT::Install-Recommends \"false\"",
		"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
		"--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=force-unsafe-io",
		"--include=" + strings.Join(include, ","), "--customize-hook=" + hook, d.Suite, "/dev/null"}
	for _, s := range derive(hostSources("/etc/apt"), d.Suite) {
		args = append(args, s.line()) // none: mmdebstrap has its own default
	}
	progress(fmt.Sprintf("building the %s image (about a minute; once, then cached)", d.Suite))
	cmd := exec.Command("mmdebstrap", args...)
	cmd.Env = environment(temp)
	if err := run(ctx, cmd, milestones(progress)); err != nil {
		return err
	}
	if err := collect(ctx, work, dir, d.Kernel); err != nil {
		return err
	}
	progress(fmt.Sprintf("the %s image is ready after %s", d.Suite, time.Since(begin).Round(time.Second)))
	return nil
}

// collect takes the results out of the work folder, as files of this user.
func collect(ctx context.Context, work, dir string, kernel Kernel) error {
	names := []string{"root.ext4"}
	if kernel == Stock {
		names = append(names, "vmlinuz", "initrd")
	}
	for _, name := range names {
		from, to := filepath.Join(work, name), filepath.Join(dir, name)
		if os.Geteuid() != 0 {
			if err := run(ctx, exec.Command("cp", "--sparse=always", from, to), nil); err != nil {
				return err
			}
		} else if err := os.Rename(from, to); err != nil {
			return err
		}
		if err := os.Chmod(to, 0o444); err != nil {
			return err
		}
	}
	return os.RemoveAll(work)
}

// milestones turns the builder's own lines into a few for people.
func milestones(progress func(string)) func(string) {
	words := []struct{ in, out string }{
		{"I: downloading packages with apt", "downloading the base system"},
		{"I: installing essential packages", "installing the base system"},
		{"I: installing remaining packages", "installing the rest of the base"},
		{"haprov: ", ""},
	}
	return func(line string) {
		for _, w := range words {
			if !strings.HasPrefix(line, w.in) {
				continue
			}
			if w.out == "" {
				progress(strings.TrimPrefix(line, w.in))
			} else {
				progress(w.out)
			}
		}
	}
}

// unpack writes embedded files under dir.
func unpack(files fs.FS, dir string) error {
	return os.CopyFS(dir, files)
}
