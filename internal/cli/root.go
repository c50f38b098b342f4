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

	"haprov/internal/engine"
	"haprov/internal/lab"
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
	// places: where each step is written, by address; known once the inventory is read.
	places  map[string]string
	journal string       // the file that this run is written down in
	human   *view.Human  // the view of this command, when a person reads it
	live    *view.Live   // the same on a terminal
	screen  *view.Screen // the error stream, when lines are drawn again on it
}

// Main runs one command and gives its exit code. The first interrupt lets the batches in hand end
// and starts nothing new; the second ends the program at once.
func Main(args []string, in io.Reader, out, errw io.Writer) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	sig := make(chan os.Signal, 2)
	signal.Notify(sig, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(sig)
	a := &app{in: in, out: out, err: errw, screen: &view.Screen{To: errw, Size: sizeOf(errw)}}
	go func() {
		<-sig
		fmt.Fprintln(a.screen, "interrupted: what is in hand is finished first; once more to end at once")
		cancel()
		<-sig
		a.screen.Foot(nil)
		os.Exit(exitInterrupted)
	}()
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
	a.still()
	var shown errInput
	if err != nil && !errors.Is(err, errPending) && !(errors.As(err, &shown) && shown.text == "") {
		fmt.Fprintf(errw, "haprov: %s\n", view.Clean(a.closing(err)))
	}
	return code(err)
}

// closing is the last line of a command that failed. What was drawn already is not told again.
func (a *app) closing(err error) string {
	text := err.Error()
	drawn := a.human != nil && (errors.Is(err, engine.ErrHosts) || errors.Is(err, engine.ErrCheck))
	for _, all := range []error{engine.ErrHosts, engine.ErrCheck} {
		if drawn && errors.Is(err, all) {
			text = all.Error() + ", see above"
		}
	}
	switch {
	case errors.Is(err, lab.ErrNoLab):
		text += "; haprov up" + a.flags() + " makes it"
	case errors.Is(err, lab.ErrHalted):
		text += "; haprov up" + a.flags() + " starts it"
	}
	if drawn && a.journal != "" {
		text += "; all of it stands in " + a.journal
	}
	return text
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
	c.AddCommand(a.referenceCmd())
	a.complete(c)
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

// view is what draws this command: JSON lines, plain lines, or live ones on a terminal.
func (a *app) view(planOnly bool) view.View {
	if a.json {
		return &view.JSON{Out: a.out}
	}
	a.human = &view.Human{Out: a.out, Err: a.err, Color: a.color(), Verbose: a.verbose, PlanOnly: planOnly, Place: a.place}
	if !terminal(a.err) || os.Getenv("TERM") == "dumb" {
		return a.human
	}
	a.human.Err = a.screen
	if terminal(a.out) {
		a.human.Out = a.screen
	}
	a.live = &view.Live{Human: a.human, Screen: a.screen}
	a.live.Start()
	return a.live
}

func (a *app) place(address string) string { return a.places[address] }

// still ends what is drawn again and again. It may be repeated.
func (a *app) still() {
	if a.live != nil {
		a.live.Close()
		a.live = nil
	}
}

// sizeOf asks a terminal for its size, each time anew.
func sizeOf(w any) func() (int, int) {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	return func() (int, int) {
		width, height, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 0, 0
		}
		return width, height
	}
}
