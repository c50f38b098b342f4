package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"haprov"
	"haprov/internal/inventory"
	"haprov/internal/lint"
	"haprov/internal/recipe"
	"haprov/internal/takeover"
	"haprov/internal/transport"
	"haprov/internal/view"
)

type importFlags struct {
	from, out string
	sudo      bool
}

func (a *app) importCmd() *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "import [--from DIR | [USER@]HOST[:PORT]...]",
		Short: "Write the inventory of a cluster that runs already, made by other tools",
		Long: `Looks at a running cluster and writes its inventory: hosts, networks, roles, fence devices, the
virtual IP, and the recipe's inputs. Two hosts with DRBD under Pacemaker become one of the recipe
mysql-drbd, members of Galera with HAProxy and keepalived one of the recipe galera; anything else is
refused. Nothing is changed on any host.

Name all hosts of the cluster, proxies too: each is asked in one login and one exchange, with what
~/.ssh/config says of it. With --from it reads a folder instead, as haprov lint does (haprov lint
--help says how one is collected). What a host that does not answer has is taken from the others'
files, as far as they say it.

The recipe's own files are written for that inventory, here and nowhere else, and compared with what
was found. Values that an input takes become inputs. All others are listed in comments at the
inventory's end: what up would make beside what runs, what it would write otherwise, what would be
gone, and what stays. Passwords and keys are never written; the comments say how to add them.

The inventory is a beginning: read it, then haprov validate and haprov plan. docs/import.md has the
whole way.`,
		Example: "  haprov import db1 db2 -o haprov.hcl\n  haprov import --sudo admin@10.0.0.11 admin@10.0.0.12\n  haprov import --from found > haprov.hcl",
		RunE:    func(c *cobra.Command, args []string) error { return a.importCluster(c.Context(), f, args) },
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			c, err := transport.UserSSHConfig()
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return c.Hosts(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	c.Flags().StringVar(&f.from, "from", "", "read the files in `DIR`; no host is asked")
	c.Flags().StringVarP(&f.out, "output", "o", "", "write the inventory to `FILE`, which must not exist yet (default: to stdout)")
	c.Flags().BoolVar(&f.sudo, "sudo", false, "become root by sudo on the hosts")
	c.MarkFlagsMutuallyExclusive("from", "sudo")
	_ = c.RegisterFlagCompletionFunc("from", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}) // the flag is there: made above
	_ = c.RegisterFlagCompletionFunc("output", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"hcl"}, cobra.ShellCompDirectiveFilterFileExt
	})
	return c
}

func (a *app) importCluster(ctx context.Context, f importFlags, args []string) error {
	switch {
	case f.from == "" && len(args) == 0:
		return errInput{"import: name the cluster's hosts, or a folder with --from"}
	case f.from != "" && len(args) > 0:
		return errInput{fmt.Sprintf("import: --from %s reads files, and hosts are named too: %s", f.from, strings.Join(args, " "))}
	}
	if f.out != "" {
		if _, err := os.Lstat(f.out); err == nil {
			return errInput{f.out + " already exists: nothing was written"}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return errInput{err.Error()}
		}
	}
	facts, logins, err := a.importFacts(ctx, f, args)
	if err != nil {
		return err
	}
	for _, h := range facts.Hosts {
		if h.Lost != "" {
			fmt.Fprintf(a.err, "warning: %s was not looked at: %s\n", view.Clean(h.Name), view.Clean(h.Lost))
		}
	}
	r, err := takeover.Take(facts, takeover.Options{Shipped: haprov.Shipped, Logins: logins})
	switch {
	case errors.Is(err, takeover.ErrStack):
		return errInput{err.Error()}
	case err != nil:
		return err
	}
	if f.out == "" {
		if _, err := a.out.Write(r.Text); err != nil {
			return err
		}
	} else {
		to, err := os.OpenFile(f.out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = to.Write(r.Text)
		if err := errors.Join(err, to.Close()); err != nil {
			return err
		}
		fmt.Fprintln(a.out, f.out)
	}
	if r.Problems.Failed() {
		fmt.Fprintln(a.err, "warning: the inventory is not whole; its first comments say what is to be filled in")
	}
	fmt.Fprintf(a.err, "%d things are listed at its end that it does not say; read them, then haprov validate and haprov plan\n", r.Unsaid)
	return nil
}

// importFacts reads the folder, or asks the hosts.
func (a *app) importFacts(ctx context.Context, f importFlags, args []string) (*lint.Facts, map[string]takeover.Login, error) {
	if f.from != "" {
		x, err := lint.FromFolder(f.from, time.Now())
		if errors.Is(err, lint.ErrFolder) || errors.Is(err, fs.ErrNotExist) {
			return nil, nil, errInput{err.Error()}
		}
		return x, nil, err
	}
	if len(args) > 64 {
		return nil, nil, errInput{fmt.Sprintf("import: %d hosts, expected 64 at most", len(args))}
	}
	logins, c, v := map[string]takeover.Login{}, recipe.Cluster{Name: strings.Join(args, ", ")}, &inventory.Inventory{}
	var bad []string
	for i, text := range args {
		h, err := loginOf(text)
		switch {
		case err != nil:
			bad = append(bad, err.Error())
			continue
		case slices.Contains(c.Hosts, h.Name):
			bad = append(bad, fmt.Sprintf("%.60q is named twice", h.Name))
			continue
		}
		h.ID, h.SSH.Agent, h.SSH.Sudo = i+1, true, f.sudo
		v.Hosts, c.Hosts = append(v.Hosts, h), append(c.Hosts, h.Name)
		logins[h.Name] = takeover.Login{Address: h.Name, User: h.SSH.User, Port: h.SSH.Port, Sudo: f.sudo}
	}
	if len(bad) > 0 {
		return nil, nil, errInput{"import: " + strings.Join(bad, "; ")}
	}
	j := &job{app: a, program: &recipe.Program{Inventory: v}}
	var err error
	if j.user, err = transport.UserSSHConfig(); err != nil {
		return nil, nil, err
	}
	x, err := j.ask(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	var lost []string
	for _, h := range x.Hosts {
		if h.Lost != "" {
			lost = append(lost, h.Name+": "+h.Lost)
		}
	}
	if len(lost) == len(x.Hosts) {
		return nil, nil, fmt.Errorf("import: %w: %s", transport.ErrUnreachable, strings.Join(lost, "; "))
	}
	return x, logins, nil
}

// loginOf reads [USER@]HOST[:PORT]. Without an address of its own the host's is that of ssh_config, else its
// name.
func loginOf(text string) (h inventory.Host, err error) {
	user, at, ok := strings.Cut(text, "@")
	if !ok {
		user, at = "", text
	}
	host, port := at, ""
	if _, bad := netip.ParseAddr(at); bad != nil {
		if x, p, err := net.SplitHostPort(at); err == nil {
			host, port = x, p
		}
	}
	h.Name, h.SSH.User = strings.Trim(host, "[]"), user
	if port != "" {
		h.SSH.Port, err = strconv.Atoi(port)
	}
	odd := func(s string) bool {
		return strings.HasPrefix(s, "-") || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("@/\"'`$\\", r) })
	}
	if h.Name == "" || ok && user == "" || err != nil || port != "" && (h.SSH.Port < 1 || h.SSH.Port > 65535) || odd(h.Name) || odd(user) {
		return h, fmt.Errorf("%.60q is no host: expected [USER@]HOST[:PORT]", text)
	}
	return h, nil
}
