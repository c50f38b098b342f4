package cli

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"haprov/internal/lab"
	"haprov/internal/lab/image"
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
	c.Flags().StringVar(&driver, "driver", driver, "uml, kvm, tcg or auto")
	return c
}

// driverOr is the driver that auto tries first.
func driverOr(driver string) string {
	if driver == "" || driver == "auto" {
		return "uml"
	}
	return driver
}

// installNeeds installs the Debian packages that the lab lacks here: as root, or through sudo
// without a password; otherwise it says what to install. With nothing missing it does nothing.
func installNeeds(driver string, report func(lab.Event)) error {
	missing := image.Needs(driverOr(driver))
	if len(missing) == 0 {
		return nil
	}
	as := []string{}
	if os.Geteuid() != 0 {
		as = []string{"sudo", "-n"}
	}
	report(lab.Event{Kind: "image", Action: "needs", Text: "installing " + strings.Join(missing, " ")})
	for _, args := range [][]string{{"apt-get", "-q", "update"}, append([]string{"env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-q", "--no-install-recommends", "install"}, missing...)} {
		cmd := append(append([]string{}, as...), args...)
		if out, err := exec.Command(cmd[0], cmd[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("the lab needs packages; install them and run this again: apt-get install %s (%w: %s)", strings.Join(missing, " "), err, lastLine(out))
		}
	}
	return nil
}

func lastLine(b []byte) string {
	l := strings.Split(strings.TrimSpace(string(b)), "\n")
	return l[len(l)-1]
}
