// Package cli is the command line: one file a command. It puts config, lab, engine and view
// together and decides nothing about hosts.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"haprov/internal/view"
)

// app is what all commands share.
type app struct {
	in        io.Reader
	out, err  io.Writer
	inventory string
	json      bool
	verbose   bool
	// useVagrant: the machines are Vagrant's, whatever the inventory says of a lab.
	useVagrant bool
}

// Main runs one command and gives its exit code. The first interrupt lets the batches in hand end
// and starts nothing new; the second ends the program at once.
func Main(args []string, in io.Reader, out, errw io.Writer) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	sig := make(chan os.Signal, 2)
	signal.Notify(sig, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(sig)
	go func() {
		<-sig
		fmt.Fprintln(errw, "interrupted: what is in hand is finished first; once more to end at once")
		cancel()
		<-sig
		os.Exit(exitInterrupted)
	}()
	a := &app{in: in, out: out, err: errw}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errw)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd(args...)
	_, _, err := root.Find(args)
	if asked := len(args) > 0 && strings.HasPrefix(args[0], "__complete"); err != nil && !asked {
		err = errInput{err.Error()}
	} else {
		err = root.ExecuteContext(ctx)
	}
	var shown errInput
	if err != nil && !errors.Is(err, errPending) && !(errors.As(err, &shown) && shown.text == "") {
		fmt.Fprintf(errw, "haprov: %s\n", view.Clean(err.Error()))
	}
	return code(err)
}

func (a *app) root() *cobra.Command {
	c := &cobra.Command{
		Use:   "haprov",
		Short: "Takes machines to a proved, highly available MySQL",
		Long: `haprov takes machines to a proved, highly available MySQL and keeps them that way.
An inventory says what there is, recipes say what a stack is; both are HCL. Hosts need
a POSIX shell, sshd and root or sudo, nothing else.`,
		Example:       "  haprov up\n  haprov plan -i shop.hcl\n  haprov lab status",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       buildVersion(),
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return errInput{err.Error()} })
	f := c.PersistentFlags()
	f.StringVarP(&a.inventory, "inventory", "i", "", "inventory `FILE` (default: haprov.hcl here, else the shipped two-node one)")
	f.BoolVar(&a.json, "json", false, "write JSON lines")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "show each login and exchange")
	f.BoolVar(&a.useVagrant, "vagrant", false, "take addresses, ports and keys from vagrant ssh-config")
	c.AddCommand(a.upCmd(), a.planCmd(), a.validateCmd(), a.inventoryCmd(), a.verifyCmd(), a.downCmd(), a.sshCmd(), a.sshConfigCmd(), a.labCmd(), a.secretCmd(),
		a.statusCmd(), a.forwardCmd(), a.sqlCmd(), a.graphCmd(), a.versionCmd(),
		a.switchoverCmd(), a.maintenanceCmd(), a.restartCmd(), a.recoverCmd())
	c.AddCommand(&cobra.Command{Use: "exit-codes", Short: "List the exit codes", Long: exitHelp, Run: nil})
	badArgs(c)
	return c
}

// badArgs makes wrong arguments of any command the user's mistake.
func badArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return errInput{fmt.Sprintf("%s: %v (usage: %s)", c.CommandPath(), err, c.UseLine())}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		badArgs(sub)
	}
}

func buildVersion() string {
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "devel"
}

// terminal reports whether w is one.
func terminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (a *app) color() bool { return terminal(a.err) && os.Getenv("NO_COLOR") == "" }

func (a *app) view(planOnly bool) view.View {
	if a.json {
		return &view.JSON{Out: a.out}
	}
	return &view.Human{Out: a.out, Err: a.err, Color: a.color(), Verbose: a.verbose, PlanOnly: planOnly}
}
