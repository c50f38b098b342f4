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
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"haprov/internal/config"
	"haprov/internal/engine"
	"haprov/internal/file"
	"haprov/internal/lab"
	"haprov/internal/secret"
	"haprov/internal/view"
)

// app is what all commands share.
type app struct {
	gate
	in        io.Reader
	inventory string
	json      bool            // only commands that give JSON have the flag
	problems  config.Problems // what the inventory's last reading found
	verbose   bool
	// useVagrant: the machines are Vagrant's, whatever the inventory says of a lab.
	useVagrant bool
	// places: where each step is written, by address; known once the inventory is read.
	places  map[string]string
	journal string                 // the file that this run is written down in
	run     *atomic.Pointer[begun] // what an interrupt has to tell; empty: nothing is changed
	human   *view.Human            // the view of this command, when a person reads it
	live    *view.Live             // the same on a terminal
	screen  *view.Screen           // the error stream, when lines are drawn again on it
}

// Main runs one command and gives its exit code. The first interrupt lets the batches in hand end
// and starts nothing new; the second ends the program at once. So does the first when a file that is
// being read does not answer: that wait ends in no other way.
func Main(args []string, in io.Reader, out, errw io.Writer) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	sig := make(chan os.Signal, 2)
	signal.Notify(sig, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(sig)
	a := &app{in: in, gate: gate{secret.NewWriter(out), secret.NewWriter(errw)}, run: new(atomic.Pointer[begun])}
	a.screen = &view.Screen{To: a.err, Size: sizeOf(errw)}
	defer a.flush()
	go func() {
		<-sig
		if a.run.Load() != nil {
			fmt.Fprintln(a.screen, "interrupted: the actions that run are finished first; interrupt again to stop at once")
		}
		cancel()
		select {
		case <-sig:
		case name := <-stuck():
			fmt.Fprintf(a.screen, "interrupted while %s was read: its file system does not answer\n", view.Clean(name))
		}
		a.screen.Foot(nil)
		if run := a.run.Load(); run != nil {
			fmt.Fprintf(a.screen, "stopped at once: what was begun on a host runs to its end there; %s continues\n", run.again)
		}
		a.flush()
		os.Exit(exitInterrupted)
	}()
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd(args...)
	if c, _, err := root.Find([]string{"completion"}); err == nil && c != root {
		chapter(c)
	}
	err := unknown(root, args)
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	a.still()
	var shown errInput
	if err != nil && !errors.Is(err, errPending) && !errors.Is(err, errFound) && !(errors.As(err, &shown) && shown.text == "") {
		lines := strings.Split(a.closing(err), "\n")
		for i, l := range lines {
			lines[i] = view.Clean(l)
		}
		fmt.Fprintf(a.err, "haprov: %s\n", strings.Join(lines, "\n  "))
	}
	return code(err)
}

// stuck gives the name of a file that is read for a second and more, also when its reading has yet to
// begin; never, when each is read in less.
func stuck() <-chan string {
	c := make(chan string, 1)
	go func() {
		held := file.Waits()
		for range time.Tick(time.Second) {
			now := file.Waits()
			for id, name := range held {
				if _, still := now[id]; still {
					c <- name
					return
				}
			}
			held = now
		}
	}()
	return c
}

// unknown is what is wrong with the name of a command; none when it is known.
func unknown(root *cobra.Command, args []string) error {
	switch {
	case len(args) > 0 && strings.HasPrefix(args[0], "__complete"):
		return nil
	case len(args) > 1 && args[0] == "help":
		args = args[1:]
	}
	_, _, err := root.Find(args)
	if err == nil {
		return nil
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	for _, w := range args {
		if near := root.SuggestionsFor(w); len(near) > 0 && strings.Contains(text, strconv.Quote(w)) {
			return errInput{text + "; did you mean " + strings.Join(near, " or ") + "?"}
		}
	}
	return errInput{text + "; haprov help lists them"}
}

// closing is the last line of a command that failed. What was drawn already is not told again.
func (a *app) closing(err error) string {
	if errors.Is(err, context.Canceled) {
		return a.interrupted()
	}
	text := err.Error()
	drawn := a.human != nil && (errors.Is(err, engine.ErrHosts) || errors.Is(err, engine.ErrCheck))
	for _, all := range []error{engine.ErrHosts, engine.ErrCheck} {
		if drawn && errors.Is(err, all) {
			text = all.Error() + ", see above"
		}
	}
	switch {
	case errors.Is(err, engine.ErrDanger):
		text += "; haprov up" + a.flags() + " --allow ADDRESS allows that step"
	case errors.Is(err, lab.ErrNoLab):
		text += "; haprov up" + a.flags() + " makes it"
	case errors.Is(err, lab.ErrHalted):
		text += "; haprov up" + a.flags() + " starts it"
	}
	if drawn && a.journal != "" {
		text += "; full log: " + a.journal
	}
	return text
}

func (a *app) root() *cobra.Command {
	c := &cobra.Command{
		Use:   "haprov",
		Short: "Takes machines to a highly available MariaDB or MySQL",
		Long: `haprov takes machines to a highly available MariaDB or MySQL; run again, it repairs what has drifted.
An inventory says what there is, recipes say what a stack is; both are HCL. Hosts are Debian 12 or 13
with sshd and root or sudo; no agent is installed on them. Shipped in the program are the inventories
inventory/mysql-drbd.hcl (taken when there is no haprov.hcl here), inventory/galera.hcl and
inventory/galera-3.hcl: five or three machines of a lab.`,
		Example:       "  haprov up\n  haprov plan -i shop.hcl\n  haprov lab status",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       buildVersion(),
	}
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return errInput{fmt.Sprintf("%v; %s --help lists them", err, c.CommandPath())}
	})
	f := c.PersistentFlags()
	f.StringVarP(&a.inventory, "inventory", "i", "", "inventory `FILE` (default: haprov.hcl here, else the shipped two-node one)")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "show each login and exchange")
	f.BoolVar(&a.useVagrant, "vagrant", false, "take addresses, ports and keys from vagrant ssh-config")
	for _, g := range []struct {
		title string
		has   []*cobra.Command
	}{
		{"Build", []*cobra.Command{a.initCmd(), a.importCmd(), a.upCmd(), a.planCmd(), a.validateCmd(), a.verifyCmd(), a.secretCmd()}},
		{"Inspect and use", []*cobra.Command{a.statusCmd(), a.lintCmd(), a.sqlCmd(), a.forwardCmd(), a.caCmd(), a.inventoryCmd(), a.graphCmd(), a.bundleCmd()}},
		{"Operate", []*cobra.Command{a.switchoverCmd(), a.maintenanceCmd(), a.restartCmd(), a.upgradeCmd(), a.replaceCmd(), a.recoverCmd(), a.backupCmd(), a.restoreCmd(), a.removeCmd(), a.drillCmd()}},
		{"Lab", []*cobra.Command{a.labCmd(), a.sshCmd(), a.sshConfigCmd(), a.downCmd(), a.boxCmd()}},
	} {
		c.AddGroup(&cobra.Group{ID: g.title, Title: g.title + ":"})
		for _, x := range g.has {
			x.GroupID = g.title
			c.AddCommand(x)
		}
	}
	c.AddCommand(a.versionCmd(), a.fenceGateCmd())
	c.AddCommand(&cobra.Command{Use: "exit-codes", Short: "List the exit codes", Long: exitHelp})
	c.AddCommand(&cobra.Command{Use: "environment", Short: "List the variables that haprov reads", Long: environmentHelp})
	c.AddCommand(a.referenceCmd())
	a.jsonFlags(c)
	a.complete(c)
	badArgs(c)
	return c
}

const environmentHelp = `Variables of the environment:

  HAPROV_STATE     folder for secrets, labs and journals (default: haprov in
                   XDG_STATE_HOME, else ~/.local/state/haprov)
  HAPROV_CACHE     folder for the lab's images (default: ~/.cache/haprov)
  HAPROV_IDENTITY  age identity that encrypts and decrypts the secrets: the file of
                   age-keygen or an SSH private key without passphrase, or the
                   text AGE-SECRET-KEY-... itself (default: the file identity in
                   the state folder, when it is there)
  VAULT_TOKEN, BAO_TOKEN  token for secrets in Vault or OpenBao (default: the
                   file ~/.vault-token)
  SSH_AUTH_SOCK    the SSH agent
  NO_COLOR         no colours when set

The Vagrantfile reads HAPROV (the program), INVENTORY (the file), HAPROV_BOX and
HAPROV_LIBVIRT (qemu: machines are emulated).
`

// badArgs makes wrong arguments of any command the user's mistake.
func badArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := check(c, args)
			switch {
			case err == nil:
				return nil
			case check(c, nil) == nil && len(args) == 1: // it takes none
				err = fmt.Errorf("takes no argument, found %.60q", args[0])
			}
			return errInput{fmt.Sprintf("%s: %v (usage: %s)", short(c), err, c.UseLine())}
		}
	}
	for _, sub := range c.Commands() {
		badArgs(sub)
	}
}

// short is a command without the program's name, which stands before every message.
func short(c *cobra.Command) string { return strings.TrimPrefix(c.CommandPath(), "haprov ") }

// chapter is a command that only has others beneath it: alone it prints its help, and what it does
// not have is the user's mistake.
func chapter(c *cobra.Command) *cobra.Command {
	c.Use = c.Name() + " COMMAND"
	c.DisableFlagsInUseLine = true
	c.SuggestionsMinimumDistance = 2
	c.Args = nil
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		var names []string
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				names = append(names, sub.Name())
			}
		}
		text := fmt.Sprintf("%s has no command %.60q; ", short(c), args[0])
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			return errInput{text + "did you mean " + strings.Join(near, " or ") + "?"}
		}
		slices.Sort(names)
		return errInput{text + "there is " + strings.Join(names, ", ")}
	}
	return c
}

// version is what a release is called; its build sets it (tools/release.sh).
var version string

func buildVersion() string {
	if version != "" {
		return version
	}
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "devel"
}

// terminal reports whether w is one.
func terminal(w any) bool {
	if masked, ok := w.(*secret.Writer); ok {
		w = masked.Under()
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (a *app) color() bool { return terminal(a.err) && os.Getenv("NO_COLOR") == "" }

// view is what draws this command: JSON lines, plain lines, or live ones on a terminal.
func (a *app) view(planOnly bool) view.View {
	if a.json {
		return view.Masked{View: &view.JSON{Out: a.documents()}}
	}
	a.human = &view.Human{Out: a.out, Err: a.err, Color: a.color(), Verbose: a.verbose, PlanOnly: planOnly, Place: a.place}
	if !terminal(a.err) || os.Getenv("TERM") == "dumb" {
		return view.Masked{View: a.human}
	}
	a.human.Err = a.screen
	if terminal(a.out) {
		a.human.Out = a.screen
	}
	a.live = &view.Live{Human: a.human, Screen: a.screen}
	a.live.Start()
	return view.Masked{View: a.live}
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
