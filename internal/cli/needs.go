package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"haprov/internal/inventory"
	"haprov/internal/lab"
	"haprov/internal/lab/image"
	"haprov/internal/view"
)

func (a *app) labNeedsCmd() *cobra.Command {
	var install bool
	driver := "auto"
	c := &cobra.Command{Use: "needs", Short: "Print the Debian packages that the lab lacks here", Hidden: true, Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		if install {
			return installNeeds(driver, func(e lab.Event) { fmt.Fprintln(a.err, e.Text) })
		}
		_, err := io.WriteString(a.out, strings.Join(append(image.Needs(driverOr(driver)), ""), "\n"))
		return err
	}}
	c.Flags().BoolVar(&install, "install", false, "install them by apt-get, as root or through sudo")
	c.Flags().StringVar(&driver, "driver", driver, "uml, kvm, tcg, libvirt or auto")
	return c
}

// driverOr is the driver that auto tries first when there is no KVM.
func driverOr(driver string) string {
	if driver == "" || driver == "auto" {
		return "uml"
	}
	return driver
}

func (a *app) labImageCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "image", Short: "Make the image of the lab's machines, and start none",
		Long:    "Makes what haprov up would make before it starts the lab's machines: the image with the packages\nthat the recipes install. haprov up then needs no network. An image that is there stays until it is pruned.",
		Example: "  haprov lab image\n  haprov lab image -i inventory/galera.hcl\n  haprov lab image list\n  haprov lab image prune", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			j, err := a.load()
			if err != nil {
				return err
			}
			if j.program.Inventory.Lab == nil {
				return errInput{"the inventory has no lab"}
			}
			spec := labSpec(j.program)
			report := func(e lab.Event) { fmt.Fprintln(a.err, view.Clean(e.Text)) }
			_, err = withNeeds(firstDriver(spec), report, func() (struct{}, error) { return struct{}{}, lab.Prepare(c.Context(), spec, report) })
			return err
		},
	}
	cmd.AddCommand(a.labImageListCmd(), a.labImagePruneCmd())
	return cmd
}

func (a *app) labImageListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the images in the cache, and the labs that use them", Example: "  haprov lab image list", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cache, err := image.CacheDir()
			if err != nil {
				return err
			}
			all, err := image.List(cache)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(all)
			}
			w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			for _, s := range all {
				var labs []string
				for _, dir := range s.Labs {
					labs = append(labs, filepath.Base(dir))
				}
				fmt.Fprintf(w, "%s\t%d MiB\t%s\t%s\n", s.Digest, s.Bytes>>20, s.Used.Local().Format(time.DateTime), strings.Join(labs, ", "))
			}
			return w.Flush()
		},
	}
}

func (a *app) labImagePruneCmd() *cobra.Command {
	return &cobra.Command{
		Use: "prune", Short: "Remove the images that no lab uses",
		Long:    "Removes from the cache the images that no lab's machines were made from and that were not asked for\nwithin the last hour. An image that is needed again is made again. Debian's packages, from which images are\nmade, stay.",
		Example: "  haprov lab image prune", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cache, err := image.CacheDir()
			if err != nil {
				return err
			}
			removed, err := image.Prune(c.Context(), cache, time.Now())
			var bytes int64
			for _, s := range removed {
				bytes += s.Bytes
			}
			fmt.Fprintf(a.out, "removed: %d, %d MiB\n", len(removed), bytes>>20)
			return err
		},
	}
}

// firstDriver is the driver whose packages are installed before any is tried.
func firstDriver(spec lab.Spec) string {
	if inventory.IsImageFile(spec.Image) && driverOr(spec.Driver) == driverOr("") {
		return emulated
	}
	return spec.Driver
}

// startLab makes sure that the lab runs.
func startLab(ctx context.Context, spec lab.Spec, exe string, report func(lab.Event)) (*lab.Client, error) {
	return withNeeds(firstDriver(spec), report, func() (*lab.Client, error) { return lab.Up(ctx, spec, exe, report) })
}

// withNeeds does what a driver has to be tried for. Packages that it lacks are installed, also those
// of the slower one when User-Mode Linux does not boot here.
func withNeeds[T any](driver string, report func(lab.Event), do func() (T, error)) (T, error) {
	var none T
	if err := installNeeds(driver, report); err != nil {
		return none, err
	}
	done, err := do()
	var lacks *lab.Lacks
	if !errors.As(err, &lacks) {
		return done, err
	}
	if err := installNeeds(lacks.Driver, report); err != nil {
		return none, err
	}
	return do()
}

// installNeeds installs the Debian packages that the lab lacks here for a driver: as root, or
// through sudo without a password; otherwise it says what to install. With nothing missing it does
// nothing.
func installNeeds(driver string, report func(lab.Event)) error {
	driver = driverOr(driver)
	missing := image.Needs(driver)
	if len(missing) == 0 {
		return nil
	}
	var as []string
	if os.Geteuid() != 0 {
		as = []string{"sudo", "-n"}
	}
	report(lab.Event{Kind: "image", Action: "needs", Text: "installing " + strings.Join(missing, " ")})
	for _, args := range [][]string{{"apt-get", "-q", "update"}, append([]string{"env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-q", "--no-install-recommends", "install"}, missing...)} {
		cmd := append(append([]string{}, as...), args...)
		if out, err := exec.Command(cmd[0], cmd[1:]...).CombinedOutput(); err != nil {
			return lacking(driver, missing, err, lastLine(out))
		}
	}
	return nil
}

// lacking tells what to install by hand, and why it was not done.
func lacking(driver string, missing []string, err error, said string) error {
	why := err.Error()
	if said != "" {
		why += ": " + said
	}
	return fmt.Errorf("machines of driver %s need packages; as root: apt-get install %s; then run this command again (they could not be installed automatically: %s)", driver, strings.Join(missing, " "), why)
}

func lastLine(b []byte) string {
	l := strings.Split(strings.TrimSpace(string(b)), "\n")
	return l[len(l)-1]
}
