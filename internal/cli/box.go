package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"haprov/internal/inventory"
	"haprov/internal/lab"
	"haprov/internal/lab/image"
	"haprov/internal/view"
)

func (a *app) boxCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "box", Short: "Make Vagrant boxes that the stacks run on",
		Long:    "A box of Vagrant's provider libvirt: Debian with its ordinary kernel, which has DRBD's module, and the\npackages that the inventory's recipes install at hand, so that haprov up needs no network there.",
		Example: "  haprov box build --add\n  (cd vagrant && vagrant up --provider=libvirt)",
	}
	c.AddCommand(a.boxBuildCmd(), a.boxListCmd(), a.boxRemoveCmd())
	return chapter(c)
}

func (a *app) boxBuildCmd() *cobra.Command {
	release, add := inventory.Images[0].Name, false
	c := &cobra.Command{
		Use: "build", Short: "Make the box of a Debian release",
		Long:    "Makes the box and prints the command that gives it to Vagrant; with --add the command is run.\nThe packages of the inventory's recipes are at hand in it. A box that is there is replaced.",
		Example: "  haprov box build --add\n  haprov box build --release debian-13 -i inventory/galera.hcl", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.boxBuild(c.Context(), release, add) },
	}
	var names []string
	for _, i := range inventory.Releases() {
		names = append(names, i.Name)
	}
	c.Flags().StringVar(&release, "release", release, strings.Join(names, " or "))
	c.Flags().BoolVar(&add, "add", false, "run vagrant box add")
	_ = c.RegisterFlagCompletionFunc("release", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (a *app) boxBuild(ctx context.Context, release string, add bool) error {
	if i, known := inventory.ImageOf(release); !known || i.Moves {
		return errInput{fmt.Sprintf("no box of %.60q can be made: expected debian-12 or debian-13", release)}
	}
	j, err := a.load()
	if err != nil {
		return err
	}
	report := func(e lab.Event) { fmt.Fprintln(a.err, view.Clean(e.Text)) }
	if err := installNeeds("tcg", report); err != nil {
		return err
	}
	def, err := image.DefineBox(release, j.program.Packages())
	if err != nil {
		return err
	}
	cache, err := image.CacheDir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(cache, "boxes"), 0o755); err != nil {
		return err
	}
	path := filepath.Join(cache, "boxes", release+".box")
	if err := image.Box(ctx, def, cache, path, func(line string) { report(lab.Event{Text: line}) }); err != nil {
		return err
	}
	command := []string{"vagrant", "box", "add", "--force", "--name", "haprov/" + release, path}
	if !add {
		fmt.Fprintf(a.out, "%s\n", strings.Join(command, " "))
		return nil
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = a.err, a.err
	return cmd.Run()
}

func (a *app) boxListCmd() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List the boxes that were made here", Example: "  haprov box list", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		boxes, err := boxes()
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
		for _, path := range boxes {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "%s\t%d MiB\t%s\t%s\n", boxName(path), info.Size()>>20, info.ModTime().Format("2006-01-02 15:04"), path)
		}
		return w.Flush()
	}}
}

func (a *app) boxRemoveCmd() *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Remove a box that was made here",
		Long:    "Removes the file. What Vagrant and libvirt keep of a box that was added stays: vagrant box remove NAME.",
		Example: "  haprov box remove debian-12", Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			all, _ := boxes()
			for i := range all {
				all[i] = boxName(all[i])
			}
			return all, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := boxes()
			if err != nil {
				return err
			}
			var names []string
			for _, path := range all {
				if boxName(path) == args[0] {
					return os.Remove(path)
				}
				names = append(names, boxName(path))
			}
			return errInput{fmt.Sprintf("no box %.60q was made here; there is %s", args[0], strings.Join(append(names, "no other"), ", "))}
		},
	}
}

func boxName(path string) string { return strings.TrimSuffix(filepath.Base(path), ".box") }

// boxes are the files of all boxes that were made here.
func boxes() ([]string, error) {
	cache, err := image.CacheDir()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(cache, "boxes"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".box") {
			out = append(out, filepath.Join(cache, "boxes", e.Name()))
		}
	}
	return out, err
}
