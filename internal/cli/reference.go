package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"haprov/internal/lint"
)

// referenceCmd writes what the program knows about itself, for the repository and for packagers.
func (a *app) referenceCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "reference DIR",
		Short:   "Write the reference, man pages and shell completions",
		Example: "  haprov reference docs",
		Hidden:  true,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			files, err := reference(c.Root())
			if err != nil {
				return err
			}
			for name, text := range files {
				path := filepath.Join(args[0], filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					return err
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// reference is every generated file by its path. The same program gives the same bytes.
func reference(root *cobra.Command) (map[string]string, error) {
	out := map[string]string{
		"reference/README.md":     index,
		"reference/commands.md":   commandsPage(root),
		"reference/kinds.md":      kindsPage(),
		"reference/inventory.md":  blocksPage(),
		"reference/functions.md":  functionsPage(),
		"lint.md":                 generated + lint.Page(),
		"reference/exit-codes.md": generated + "# Exit codes\n\n```\n" + exitHelp + "```\n",
	}
	for _, c := range shown(root) {
		out["man/"+manName(c)+".1"] = manPage(c)
	}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"haprov.bash": func(b *bytes.Buffer) error { return root.GenBashCompletionV2(b, true) },
		"_haprov":     func(b *bytes.Buffer) error { return root.GenZshCompletion(b) },
		"haprov.fish": func(b *bytes.Buffer) error { return root.GenFishCompletion(b, true) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return nil, err
		}
		out["completions/"+name] = b.String()
	}
	return out, nil
}

const generated = "<!-- Written by `make generate`; change the program instead. -->\n"

const index = generated + `# Reference

- [commands](commands.md), also as man pages in ` + "`../man`" + `
- [kinds of steps](kinds.md)
- [blocks of inventories and recipes](inventory.md)
- [functions and facts](functions.md)
- [exit codes](exit-codes.md)
- [checks of lint](../lint.md)

Shell completions stand in ` + "`../completions`" + `.
`

// shown lists a command and those below it that a user sees, in their order.
func shown(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		if sub.Hidden || sub.Name() == "help" || sub.Name() == "completion" {
			continue
		}
		all = append(all, shown(sub)...)
	}
	return all
}

func commandsPage(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString(generated + "# Commands\n\nEvery command takes these flags:\n\n```\n" + root.PersistentFlags().FlagUsages() + "```\n")
	for _, c := range shown(root)[1:] {
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n", c.CommandPath(), c.Short)
		if c.Long != "" {
			long := c.Long
			if c.Name() == "exit-codes" {
				long = "See [exit codes](exit-codes.md)."
			}
			// what is set off by two spaces is a block of its own, as on the terminal
			fmt.Fprintf(&b, "\n%s\n", strings.ReplaceAll(strings.TrimSpace(long), "\n  ", "\n      "))
		}
		if c.Runnable() {
			fmt.Fprintf(&b, "\n```\n%s\n```\n", c.UseLine())
		}
		if c.Example != "" {
			fmt.Fprintf(&b, "\nExamples:\n\n```\n%s\n```\n", unindented(c.Example))
		}
		if f := c.NonInheritedFlags().FlagUsages(); f != "" {
			fmt.Fprintf(&b, "\nFlags:\n\n```\n%s```\n", f)
		}
	}
	return b.String()
}

func unindented(s string) string {
	return strings.TrimPrefix(strings.ReplaceAll(strings.Trim(s, "\n"), "\n  ", "\n"), "  ")
}
