package lint

import (
	"fmt"
	"strings"
)

// Page is all checks and files as a page in Markdown.
func Page() string {
	var b strings.Builder
	cell := func(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
	b.WriteString("# Lint: all checks\n\n`haprov lint` judges the configuration of a cluster, of haprov's making or not, and changes nothing. It asks the hosts of an inventory, or reads a folder (`--from`). [Commands](reference/commands.md#haprov-lint) has the flags.\n\n")
	b.WriteString("A check comes to the first of these that applies: **unreadable** (a file that it needs is there and cannot be read), **bad**, **unknown** (what it needs is not there), **ok**, **not applicable**. It is ok only when something was looked at, and only for what was looked at.\n\n")
	b.WriteString("- critical: data or the service are lost in a failure that the cluster is there for\n- warning: a failure takes longer, or one more thing must go wrong\n- advice: worth knowing, and no fault: it does not change the exit status\n\n")
	b.WriteString("## A folder\n\nA folder for each host, or one host's files directly. Files are known by their names, wherever they lie below the host's folder, so a copy of `/etc` will do. Beside the hosts' folders may lie `cib.xml`, `crm_mon.xml`, `fence-history.xml` and `crm_verify.txt`, which tell of the whole cluster.\n\nThe script that `--collector` prints makes one file a host, `HOST.facts`. It only reads, writes nothing on the host, gives each command ten seconds, and takes passwords and secrets out before they leave the host:\n\n")
	b.WriteString("    haprov lint --collector > collect.sh\n    mkdir found; for h in db1 db2; do ssh root@$h sh < collect.sh > found/$h.facts; done\n    haprov lint --from found\n\n")
	b.WriteString("| file | what is in it | where the collector takes it from |\n|---|---|---|\n")
	for _, s := range Sources {
		from := "`" + strings.Join(s.Files, "`, `") + "`"
		if len(s.Files) == 0 {
			from = "`" + s.Shell + "`"
			if strings.Contains(s.Shell, "\n") || len(s.Shell) > 120 {
				from = "see the script"
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Name, cell(s.About), cell(from))
	}
	for _, g := range Groups {
		fmt.Fprintf(&b, "\n## %s\n\n| check | severity | what should be |\n|---|---|---|\n", g)
		for _, c := range Table {
			if c.Group == g {
				fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", c.ID, c.ID, c.Severity, cell(c.Title))
			}
		}
		for _, c := range Table {
			if c.Group != g {
				continue
			}
			fmt.Fprintf(&b, "\n### %s\n\n%s: %s.\n\n%s\n\n", c.ID, c.Severity, c.Title, c.Why)
			fmt.Fprintf(&b, "- remedy: %s\n- with haprov: %s\n- source: %s\n", c.Remedy, c.Command, c.Source)
			if len(c.Reads) > 0 {
				fmt.Fprintf(&b, "- reads: `%s`\n", strings.Join(c.Reads, "`, `"))
			}
			fmt.Fprintf(&b, "- not applicable: %s\n", c.Excluded)
		}
	}
	return b.String()
}
