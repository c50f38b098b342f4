package mysql

import (
	"strings"

	"haprov/internal/probe"
)

// ShellArg quotes a statement for a shell, in double quotes: single ones are SQL's own.
func ShellArg(sql string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(sql) + `"`
}

// SQL is what a server answers a statement with: every statement that writes touches it.
var SQL = probe.Topic("sql")
