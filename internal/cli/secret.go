package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"haprov/internal/secret"
)

// ofInventory is what the store calls the owner of secrets that the inventory itself asks for, as
// the passwords of fence devices are.
const ofInventory = "inventory"

// named is a secret and who asks for it: a cluster, or the inventory.
type named struct{ owner, name string }

func (n named) String() string {
	if n.owner == ofInventory {
		return n.name + " of the inventory"
	}
	return n.name + " of cluster " + n.owner
}

func (a *app) secretCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "secret",
		Short: "Look at secrets, and bring in those that exist already",
		Long: `Secrets are drawn by the first up and kept on this machine, in the folder secrets of the state
folder; with an age identity they are encrypted (haprov help environment). A password that
exists already, as a fence device's, is brought in by adopt.`,
		Example: "  haprov secret list\n  haprov secret show app\n  haprov secret adopt ipmi",
	}
	c.AddCommand(a.secretListCmd(), a.secretShowCmd(), a.secretAdoptCmd())
	return chapter(c)
}

func (a *app) secretListCmd() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List the secrets that inventory and recipes ask for", Example: "  haprov secret list", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		j, err := a.load()
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "NAME\tOF\tSTATE")
		missing := j.missing()
		for _, n := range j.secretsAsked("") {
			state := "kept"
			if _, err := j.secrets.Show(n.owner, n.name); errors.Is(err, fs.ErrNotExist) {
				state = "drawn by the first up"
				if slices.Contains(missing, n) {
					state = "missing: haprov secret adopt " + n.name
				}
			}
			fmt.Fprintf(w, "%s\t%s\t%s\n", n.name, n.owner, state)
		}
		return w.Flush()
	}}
}

func (a *app) secretShowCmd() *cobra.Command {
	var cluster string
	c := &cobra.Command{Use: "show NAME", Short: "Print one secret", Example: "  haprov secret show app", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		j, err := a.load()
		if err != nil {
			return err
		}
		n, err := j.secretNamed(args[0], cluster)
		if err != nil {
			return err
		}
		t, err := j.secrets.Show(n.owner, n.name)
		switch {
		case errors.Is(err, fs.ErrNotExist) && slices.Contains(j.missing(), n):
			return errInput{fmt.Sprintf("%s is not known yet; give it: haprov secret adopt %s%s", n, n.name, a.flags())}
		case errors.Is(err, fs.ErrNotExist):
			return errInput{fmt.Sprintf("%s is not made yet: the first haprov up%s draws it", n, a.flags())}
		case err != nil:
			return errInput{err.Error()}
		}
		_, err = fmt.Fprintln(a.out, t.Reveal())
		return err
	}}
	c.Flags().StringVar(&cluster, "cluster", "", "the `NAME` of the cluster that asks for it, or inventory")
	return c
}

func (a *app) secretAdoptCmd() *cobra.Command {
	var cluster string
	var replace bool
	c := &cobra.Command{
		Use:   "adopt NAME",
		Short: "Bring in a secret that exists already",
		Long: `Keeps a password that exists already under NAME, so that none is drawn: one of a fence device,
or one that an application uses. The value is one line, asked for on a terminal without being
shown, else read from stdin. With --replace it takes the place of the one that is kept; hosts
follow with the next up. The keys that members of a running cluster share are not changed so.`,
		Example: "  haprov secret adopt ipmi\n  pass show ipmi | haprov secret adopt ipmi\n  haprov secret adopt app --replace",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.adopt(args[0], cluster, replace)
		},
	}
	c.Flags().StringVar(&cluster, "cluster", "", "the `NAME` of the cluster that asks for it, or inventory")
	c.Flags().BoolVar(&replace, "replace", false, "put it in the place of the one that is kept")
	return c
}

// adopt keeps a value from outside. Nothing is written unless the value is whole and good.
func (a *app) adopt(name, cluster string, replace bool) error {
	j, err := a.load()
	if err != nil {
		return err
	}
	n, err := j.secretNamed(name, cluster)
	if err != nil {
		return err
	}
	_, err = j.secrets.Show(n.owner, n.name)
	switch {
	case strings.HasPrefix(n.name, "tls-"):
		return errInput{n.String() + " is a certificate with its key: haprov makes those itself"}
	case err == nil && !replace:
		return errInput{n.String() + " is kept already: say --replace to put another in its place"}
	case err != nil && !errors.Is(err, fs.ErrNotExist) && !replace:
		return errInput{err.Error()}
	}
	value, err := a.value(n)
	if err != nil {
		return errInput{fmt.Sprintf("%s: %v", n, err)}
	}
	put := j.secrets.Put
	if replace {
		put = j.secrets.Replace
	}
	if err := put(n.owner, n.name, value); err != nil {
		return err
	}
	fmt.Fprintf(a.err, "%s is kept\n", n)
	return nil
}

// longest is how many bytes a secret from outside may have.
const longest = 4096

// value asks for a secret, twice on a terminal, and reads it from stdin elsewhere.
func (a *app) value(n named) (secret.Text, error) {
	f, ok := a.in.(*os.File)
	if !ok || !terminal(f) {
		b, err := io.ReadAll(io.LimitReader(a.in, longest+3))
		if err != nil {
			return secret.Text{}, err
		}
		return oneLine(b)
	}
	ask := func(text string) ([]byte, error) {
		fmt.Fprint(a.err, text)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(a.err)
		return b, err
	}
	b, err := ask(n.String() + ", not shown: ")
	if err != nil {
		return secret.Text{}, err
	}
	again, err := ask("once more: ")
	if err != nil {
		return secret.Text{}, err
	}
	if !bytes.Equal(b, again) {
		return secret.Text{}, errors.New("the two differ; nothing was kept")
	}
	return oneLine(b)
}

// oneLine takes the end of the line off. Errors hold nothing of the value.
func oneLine(b []byte) (secret.Text, error) {
	b = bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
	switch {
	case len(b) == 0:
		return secret.Text{}, errors.New("there is no value: write it on stdin, as one line")
	case len(b) > longest:
		return secret.Text{}, fmt.Errorf("the value is longer than %d bytes", longest)
	case !utf8.Valid(b):
		return secret.Text{}, errors.New("the value is not text in UTF-8")
	case bytes.ContainsFunc(b, unicode.IsControl):
		return secret.Text{}, errors.New("the value has several lines or control characters; expected one line")
	}
	return secret.Sensitive(string(b)), nil
}

// secretsAsked are the secrets that the inventory and its clusters ask for, or only one of them.
func (j *job) secretsAsked(owner string) (out []named) {
	for _, n := range j.program.Secrets {
		out = append(out, named{ofInventory, n})
	}
	for _, c := range j.program.Clusters {
		for _, n := range c.Secrets {
			out = append(out, named{c.Name, n})
		}
	}
	return slices.DeleteFunc(out, func(n named) bool { return owner != "" && n.owner != owner })
}

// secretNamed is the one that is meant by a name.
func (j *job) secretNamed(name, owner string) (named, error) {
	var found []named
	var there, owners []string
	for _, n := range j.secretsAsked(owner) {
		if n.name == name {
			found, owners = append(found, n), append(owners, n.owner)
		}
		if !slices.Contains(there, n.name) {
			there = append(there, n.name)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return named{}, errInput{fmt.Sprintf("several secrets are called %s: say --cluster %s", name, strings.Join(owners, " or --cluster "))}
	case len(there) == 0 && owner != "":
		return named{}, errInput{fmt.Sprintf("no cluster %q asks for a secret", owner)}
	case len(there) == 0:
		return named{}, errInput{"this inventory asks for no secret"}
	}
	return named{}, errInput{fmt.Sprintf("nothing asks for a secret %q; there is %s", name, strings.Join(there, ", "))}
}

// missing are those secrets of the inventory that something beyond the hosts wants, a fence device
// or sudo, and that nobody gave yet. What was drawn for them is not what that knows.
func (j *job) missing() (out []named) {
	for _, drawn := range j.secrets.Drawn() {
		name, ok := strings.CutPrefix(drawn, ofInventory+"/")
		if !ok {
			continue
		}
		t, _ := j.secrets.Get(ofInventory, name, 0)
		for _, h := range j.program.Inventory.Hosts {
			known := []string{h.SSH.SudoPassword.Reveal()}
			for _, f := range h.Fence {
				known = append(known, f.Options["password"].Reveal())
			}
			if n := (named{ofInventory, name}); slices.Contains(known, t.Reveal()) && !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// sudoPassword is what sudo is told; one that was drawn here is an error instead.
func (j *job) sudoPassword(pass secret.Text) (secret.Text, error) {
	for _, n := range j.missing() {
		if t, _ := j.secrets.Get(n.owner, n.name, 0); t.Reveal() == pass.Reveal() {
			return secret.Text{}, fmt.Errorf("it is not known here: haprov secret adopt %s%s", n.name, j.flags())
		}
	}
	return pass, nil
}

// given refuses to go on with a drawn password where there is one already.
func (j *job) given() error {
	var all []string
	for _, n := range j.missing() {
		all = append(all, fmt.Sprintf("the password %q cannot be drawn; give the one that there is: haprov secret adopt %s%s", n.name, n.name, j.flags()))
	}
	if len(all) == 0 {
		return nil
	}
	return errInput{strings.Join(all, "; ")}
}
