package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manPage is a command's page in the language of man(7).
func manPage(c *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".\\\" Written by make generate; change the program instead.\n.TH %s 1 \"\" haprov \"User Commands\"\n", strings.ToUpper(manName(c)))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n.SH SYNOPSIS\n.B %s\n", roff(manName(c)), roff(c.Short), roff(c.UseLine()))
	long := c.Long
	if long == "" {
		long = c.Short + "."
	}
	if !c.Runnable() && !c.HasSubCommands() { // a help topic is a table
		fmt.Fprintf(&b, ".SH DESCRIPTION\n.nf\n%s\n.fi\n", roff(strings.TrimSpace(long)))
	} else {
		fmt.Fprintf(&b, ".SH DESCRIPTION\n%s\n", roff(long))
	}
	options := func(title string, f *pflag.FlagSet) {
		if !f.HasAvailableFlags() {
			return
		}
		b.WriteString(".SH " + title + "\n")
		f.VisitAll(func(x *pflag.Flag) {
			if x.Hidden {
				return
			}
			name, about := pflag.UnquoteUsage(x)
			head := "--" + x.Name
			if x.Shorthand != "" {
				head = "-" + x.Shorthand + ", " + head
			}
			if name != "" {
				head += " " + name
			}
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(head), roff(about))
		})
	}
	if c.HasParent() {
		options("OPTIONS", c.NonInheritedFlags())
	}
	options("GLOBAL OPTIONS", c.Root().PersistentFlags())
	if c.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(unindented(c.Example)))
	}
	see := []string{}
	if c.HasParent() {
		see = append(see, manName(c.Parent())+"(1)")
	} else {
		fmt.Fprintf(&b, ".SH EXIT STATUS\n.nf\n%s\n.fi\n", roff(strings.TrimSpace(strings.TrimPrefix(exitHelp, "Exit codes:\n"))))
	}
	for _, sub := range shown(c)[1:] {
		if sub.Parent() == c {
			see = append(see, manName(sub)+"(1)")
		}
	}
	fmt.Fprintf(&b, ".SH SEE ALSO\n%s\n", roff(strings.Join(see, ", ")))
	return b.String()
}

// roff escapes a text: backslashes, dashes, and lines that would begin with a request.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
