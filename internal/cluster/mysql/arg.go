package mysql

import "strings"

// ShellArg quotes a statement for a shell, in double quotes: single ones are SQL's own.
func ShellArg(sql string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(sql) + `"`
}
