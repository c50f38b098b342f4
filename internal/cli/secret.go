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
		j, err := a.loadAnyway()
		if err != nil {
			return err
		}
		type listed struct {
			Name  string `json:"name"`
			Of    string `json:"of"` // a cluster, or inventory
			State string `json:"state"`
		}
		list := []listed{}
		missing := j.missing()
		for _, n := range j.secretsAsked("") {
			state := "kept"
			switch _, err := j.secrets.Show(n.owner, n.name); {
			case errors.Is(err, fs.ErrNotExist) && slices.Contains(missing, n):
				state = "missing: haprov secret adopt " + n.name
			case errors.Is(err, fs.ErrNotExist):
				state = "drawn by the first up"
			case err != nil:
				state = err.Error()
			}
			list = append(list, listed{n.name, n.owner, state})
		}
		if a.json {
			return a.printJSON(list)
		}
		w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "NAME\tOF\tSTATE")
		for _, l := range list {
			fmt.Fprintf(w, "%s\t%s\t%s\n", l.Name, l.Of, l.State)
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
		_, err = fmt.Fprintln(a.own(), t.Reveal())
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
	j, err := a.loadAnyway()
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
	if len(value.Reveal()) < secret.Shortest {
		fmt.Fprintf(a.err, "warning: it has fewer than %d bytes: where a host prints it, it is not masked\n", secret.Shortest)
	}
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
		a.prompt(text)
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
