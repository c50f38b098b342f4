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
)

// download fetches packages of a suite, without their dependencies, in the order asked for. It
// uses an apt of its own in dir: this machine's apt neither learns of the suite nor changes.
func download(ctx context.Context, suite, dir string, packages ...string) ([]string, error) {
	sources := archive.Of(suite)
	if len(sources) == 0 {
		return nil, errors.New("no archive known")
	}
	for _, sub := range []string{"lists/partial", "cache/archives/partial", "debs"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	var list strings.Builder
	for _, s := range sources {
		fmt.Fprintln(&list, s.Line())
	}
	if err := os.WriteFile(filepath.Join(dir, "sources.list"), []byte(list.String()), 0o644); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "status"), nil, 0o644); err != nil {
		return nil, err
	}
	apt := func(args ...string) error {
		options := []string{"-q", "-o", "Dir::Etc::SourceList=" + filepath.Join(dir, "sources.list"), "-o", "Dir::Etc::SourceParts=-",
			"-o", "Dir::Etc::Preferences=-", "-o", "Dir::Etc::PreferencesParts=-",
			"-o", "Dir::State=" + dir, "-o", "Dir::State::Lists=" + filepath.Join(dir, "lists"), "-o", "Dir::State::Status=" + filepath.Join(dir, "status"),
			"-o", "Dir::Cache=" + filepath.Join(dir, "cache"), "-o", "Acquire::Languages=none", "-o", "APT::Sandbox::User=",
			"-o", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false"}
		cmd := exec.Command("apt-get", append(options, args...)...)
		cmd.Dir = filepath.Join(dir, "debs")
		cmd.Env = environment("")
		return run(ctx, cmd, nil)
	}
	if err := apt("update"); err != nil {
		return nil, err
	}
	if err := apt(append([]string{"download"}, packages...)...); err != nil {
		return nil, err
	}
	var debs []string
	for _, name := range packages {
		found, err := filepath.Glob(filepath.Join(dir, "debs", name+"_*.deb"))
		if err != nil || len(found) != 1 {
			return nil, fmt.Errorf("apt brought %d files for %s", len(found), name)
		}
		debs = append(debs, found[0])
	}
	return debs, nil
}
