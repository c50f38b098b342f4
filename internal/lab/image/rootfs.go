package image

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"haprov/internal/lab/archive"
	"haprov/internal/shell"
)

// guest holds what goes into the image, and the script that puts it there.
//
//go:embed guest
var guest embed.FS

// workshop is where one build works: a folder that the builder's root may write to. An ordinary user
// builds in a user namespace, whose root is one of the user's subordinate ids and a stranger to this
// user's folders: it works in an open folder under a closed one, whose name nobody else can find.
type workshop struct {
	mode string // mmdebstrap's
	dir  string
	temp string // for mmdebstrap's own files; "": its default
	debs string // where downloaded packages are kept from one build to the next
	end  func()
}

func open(ctx context.Context, under, debs string) (*workshop, error) {
	w := &workshop{mode: "root", dir: filepath.Join(under, "work"), debs: debs}
	w.end = func() { _ = os.RemoveAll(w.dir) }
	if os.Geteuid() == 0 {
		if err := os.Mkdir(w.dir, 0o755); err != nil {
			return nil, err
		}
	} else {
		w.mode, w.temp = "unshare", "/var/tmp"
		closed, err := os.MkdirTemp(w.temp, "haprov-")
		if err != nil {
			return nil, err
		}
		w.end = func() { _ = os.RemoveAll(closed) }
		w.dir = filepath.Join(closed, rand.Text())
		if err := errors.Join(os.Chmod(closed, 0o711), os.Mkdir(w.dir, 0o755), os.Chmod(w.dir, 0o777)); err != nil {
			w.end()
			return nil, err
		}
	}
	if err := errors.Join(os.CopyFS(w.dir, guest), lend(ctx, debs, filepath.Join(w.dir, "debs"))); err != nil {
		w.end()
		return nil, err
	}
	return w, nil
}

// build runs mmdebstrap; target is its output.
func (w *workshop) build(ctx context.Context, suite, target string, each func(string), args ...string) error {
	all := []string{"--mode=" + w.mode, "--aptopt=Acquire::Languages \"none\"", "--aptopt=APT::Install-Recommends \"false\"",
		"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
		"--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=force-unsafe-io"}
	if archive.OfAnyAge() {
		all = append(all, `--aptopt=Acquire::Check-Valid-Until "false"`)
	}
	all = append(append(all, args...), w.hook("setup", "debs.sh in"), suite, target)
	for _, s := range archive.Of(suite) {
		all = append(all, s.Line()) // none: mmdebstrap has its own default
	}
	cmd := exec.Command("mmdebstrap", all...)
	cmd.Env = environment(w.temp)
	if err := run(ctx, cmd, each); err != nil {
		return err
	}
	return keep(ctx, filepath.Join(w.dir, "debs"), w.debs)
}

// hook runs one of the guest's scripts with the root and the workshop.
func (w *workshop) hook(when, script string, args ...string) string {
	return fmt.Sprintf(`--%s-hook=sh %s/guest/%s "$1" %s %s`, when, w.dir, script, w.dir, shell.Join(args...))
}

// base gives the tar of the installed base system, which all images of a suite and a kernel share;
// it is made once.
func (d Definition) base(ctx context.Context, cache string, progress func(string)) (string, error) {
	include := d.Base
	if d.Kernel == Stock {
		include = append([]string{"linux-image-amd64", "initramfs-tools"}, include...)
	}
	name := fmt.Sprintf("%x", sha256.Sum256([]byte(d.Suite+"\x00"+strings.Join(include, " "))))[:16]
	dir := filepath.Join(cache, "bases", name)
	err := once(ctx, dir, func(temp string) error {
		w, err := open(ctx, temp, filepath.Join(cache, "debs"))
		if err != nil {
			return err
		}
		defer w.end()
		progress(fmt.Sprintf("making the base of %s images (a minute; once, then cached)", d.Suite))
		return w.build(ctx, d.Suite, filepath.Join(temp, "root.tar"), milestones(progress), "--variant=minbase", "--format=tar",
			"--skip=essential/unlink,output/dev", "--include="+strings.Join(include, ","), w.hook("customize", "debs.sh out"))
	})
	return filepath.Join(dir, "root.tar"), err
}

// rootfs builds the disk, and for a stock kernel takes that kernel and its initrd, into dir.
func (d Definition) rootfs(ctx context.Context, dir, cache, modules string, progress func(string)) error {
	begin := time.Now()
	base, err := d.base(ctx, cache, progress)
	if err != nil {
		return err
	}
	w, err := open(ctx, dir, filepath.Join(cache, "debs"))
	if err != nil {
		return err
	}
	defer w.end()
	if d.Box {
		if err := wellKnownKey(filepath.Join(w.dir, "vagrant.pub")); err != nil {
			return err
		}
	}
	if modules != "" {
		if err := run(ctx, exec.Command("cp", "-r", modules, filepath.Join(w.dir, "modules")), nil); err != nil {
			return err
		}
	}
	progress(fmt.Sprintf("making the %s image with the recipes' packages (once, then cached)", d.Suite))
	if err := w.build(ctx, d.Suite, "/dev/null", milestones(progress), "--variant=custom", "--format=null",
		"--setup-hook=tar-in "+shell.Quote(base)+" /", w.hook("customize", "build.sh", append([]string{d.Size}, d.Packages...)...)); err != nil {
		return err
	}
	if err := collect(ctx, w.dir, dir, d.files()...); err != nil {
		return err
	}
	progress(fmt.Sprintf("the %s image is ready after %s", d.Suite, time.Since(begin).Round(time.Second)))
	return nil
}

// lend gives a build the packages that were downloaded before, in a folder that it may write to.
func lend(ctx context.Context, debs, to string) error {
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	if err := os.Chmod(to, 0o777); err != nil { // the namespace's root is a stranger here
		return err
	}
	found, err := filepath.Glob(filepath.Join(debs, "*.deb"))
	if err != nil || len(found) == 0 {
		return err
	}
	return run(ctx, exec.Command("cp", append([]string{"--reflink=auto", "-t", to, "--"}, found...)...), nil)
}

// keep takes over what a build has downloaded; each file appears as a whole.
func keep(ctx context.Context, from, debs string) error {
	if err := os.MkdirAll(debs, 0o755); err != nil {
		return err
	}
	found, err := filepath.Glob(filepath.Join(from, "*.deb"))
	if err != nil {
		return err
	}
	for _, file := range found {
		to := filepath.Join(debs, filepath.Base(file))
		if _, err := os.Stat(to); err == nil {
			continue
		}
		if err := run(ctx, exec.Command("cp", "--", file, to+".part"), nil); err != nil {
			return err
		}
		if err := os.Rename(to+".part", to); err != nil {
			return err
		}
	}
	return nil
}

// files are what an image consists of.
func (d Definition) files() []string {
	names := []string{"root.ext4"}
	if d.Kernel == Stock {
		names = append(names, "vmlinuz", "initrd")
	}
	if d.Box {
		names = append(names, "boot.img", "core.img")
	}
	return names
}

// collect takes the results out of the work folder, as files of this user.
func collect(ctx context.Context, work, dir string, names ...string) error {
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
	return nil
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
