package cli

import (
	"fmt"
	"strings"

	"haprov/internal/config"
	"haprov/internal/facts"
	"haprov/internal/template"
)

func kindsPage() string {
	var b strings.Builder
	b.WriteString(generated + "# Kinds of steps\n\nA step is a block in a recipe's `on \"ROLE\"` block. Every step may have these arguments:\n\n")
	arguments(&b, config.Metas(), false)
	b.WriteString("\nBesides the kinds below, `use \"RECIPE\"` puts another recipe's steps in this place: those on `all`, and those on the same role. It may have `when`.\n\n```hcl\nuse \"base\" {\n  inputs = { port = 80 }\n}\n```\n\n")
	arguments(&b, config.Use(), false)
	b.WriteString("\n")
	all := config.Kinds()
	for _, k := range all {
		fmt.Fprintf(&b, "- [%s](#%s)\n", k.Name, k.Name)
	}
	for _, k := range all {
		where := ""
		if k.Cluster {
			where = " One step over all hosts of the role."
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s%s\n\n```hcl\n%s\n```\n\n", k.Name, k.Summary, where, strings.TrimSpace(k.Example))
		arguments(&b, k.Attributes, true)
	}
	return b.String()
}

func blocksPage() string {
	var b strings.Builder
	b.WriteString(generated + "# Blocks of inventories and recipes\n\nThe steps in `on` blocks are the [kinds](kinds.md).\n")
	var all func(path string, as []config.Attribute, level int)
	all = func(path string, as []config.Attribute, level int) {
		for _, a := range as {
			if a.Inner == nil {
				continue
			}
			label := ""
			for _, in := range a.Inner {
				if in.Label {
					label = " \"" + strings.ToUpper(in.Name) + "\""
				}
			}
			times := "At most one."
			if a.Many {
				times = "Any number."
			}
			at := strings.TrimSpace(path + " " + a.Name)
			fmt.Fprintf(&b, "\n%s `%s%s`\n\n%s. %s\n\n", strings.Repeat("#", min(level, 4)), at, label, a.About, times)
			arguments(&b, a.Inner, false)
			all(at, a.Inner, level+1)
		}
	}
	all("", config.Blocks(), 2)
	return b.String()
}

// arguments is a table of arguments; with nested those of inner blocks too, as OUTER.INNER.
func arguments(b *strings.Builder, as []config.Attribute, nested bool) {
	b.WriteString("| argument | value | default | what it is |\n|---|---|---|---|\n")
	var rows func(prefix string, as []config.Attribute)
	rows = func(prefix string, as []config.Attribute) {
		for _, a := range as {
			value, def := a.Type, ""
			switch {
			case a.Inner != nil:
				value = "a block"
			case len(a.OneOf) > 0 && strings.HasPrefix(a.Type, "a list"):
				value = "a list of `" + strings.Join(a.OneOf, "`, `") + "`"
			case len(a.OneOf) > 0:
				value = "one of `" + strings.Join(a.OneOf, "`, `") + "`"
			case a.Min != "" && a.Max != "":
				value += ", " + a.Min + " to " + a.Max
			case a.Min != "":
				value += ", at least " + a.Min
			}
			switch {
			case a.Label:
				def = "the block's name"
			case a.Required:
				def = "**required**"
			case a.HasDefault && a.Default != "":
				def = "`" + a.Default + "`"
			}
			cell := strings.NewReplacer("|", `\|`, "\n", " ")
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", prefix+a.Name, cell.Replace(value), cell.Replace(def), cell.Replace(a.About))
			if nested {
				rows(prefix+a.Name+".", a.Inner)
			}
		}
	}
	rows("", as)
}

func functionsPage() string {
	var b strings.Builder
	b.WriteString(generated + "# Functions and facts\n\n## In inventories and recipes\n\n| function | what it gives |\n|---|---|\n")
	for _, f := range config.Functions() {
		fmt.Fprintf(&b, "| `%s(%s)` | %s |\n", f.Name, strings.Join(f.Params, ", "), strings.ReplaceAll(f.About, "|", `\|`))
	}
	b.WriteString("\n## In templates\n\nBesides those of Go's [text/template](https://pkg.go.dev/text/template).\n\n| function | what it gives |\n|---|---|\n")
	for _, f := range template.Described {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.Usage, f.About)
	}
	b.WriteString("\n## Facts\n\nA step's arguments and its `when` may name what its host says of itself, as `facts.NAME`; steps that stand over several hosts may not.\n\n| fact | what it is |\n|---|---|\n")
	for _, f := range facts.Table {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.Name, f.About)
	}
	return b.String()
}
