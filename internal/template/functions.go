package template

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"text/template"

	"haprov/internal/shell"
)

// functions are all that a template may call beside Go's own. cnf, sql, shell and word are the
// encoders: each refuses or quotes what would break out of its format.
var functions = template.FuncMap{
	"cnf":    cnf,
	"sql":    sql,
	"shell":  func(v any) string { return shell.Quote(fmt.Sprint(v)) },
	"word":   word,
	"json":   func(v any) (string, error) { b, err := json.Marshal(v); return string(b), err },
	"join":   join,
	"upper":  strings.ToUpper,
	"lower":  strings.ToLower,
	"indent": indent,
	"add":    add,
	"ip":     ip,
	"field":  field,
}

// own are those of Go's own functions that make texts: they spend from the budget like the others.
var own = template.FuncMap{
	"print":    func(args ...any) string { return fmt.Sprint(args...) },
	"println":  func(args ...any) string { return fmt.Sprintln(args...) },
	"printf":   printf,
	"html":     template.HTMLEscaper,
	"js":       template.JSEscaper,
	"urlquery": template.URLQueryEscaper,
}

// cnf is a value of a my.cnf line.
func cnf(v any) (string, error) {
	s := fmt.Sprint(v)
	if strings.ContainsAny(s, "\n\r\x00") {
		return "", fmt.Errorf("expected a value of one line, found a line break")
	}
	if strings.ContainsAny(s, "#'\"\\ ") {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`, nil
	}
	return s, nil
}

// sql is a text literal of SQL, with its quotes.
func sql(v any) (string, error) {
	s := fmt.Sprint(v)
	if strings.ContainsRune(s, 0) {
		return "", fmt.Errorf("SQL text cannot contain a zero byte")
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`, "\n", `\n`, "\r", `\r`).Replace(s) + "'", nil
}

// word is a bare word of the files of Corosync, DRBD, HAProxy and systemd.
func word(v any) (string, error) {
	s := fmt.Sprint(v)
	if s == "" || strings.ContainsAny(s, " \t\n\r\x00{}[]();\"'`\\#$%") {
		return "", fmt.Errorf("expected a bare word, found %.40q", s)
	}
	return s, nil
}

// join writes a list, or one field of each of its objects: join ", " .peers "name".
func join(sep string, list []any, key ...string) (string, error) {
	out := make([]string, 0, len(list))
	for _, x := range list {
		for _, k := range key {
			m, ok := x.(map[string]any)
			if !ok || m[k] == nil {
				return "", fmt.Errorf("join: an element has no %q", k)
			}
			x = m[k]
		}
		out = append(out, fmt.Sprint(x))
	}
	return strings.Join(out, sep), nil
}

// add is for counting: indexes are of another type than given numbers.
func add(a, b any) (int64, error) {
	x, ok := whole(a)
	y, also := whole(b)
	if !ok || !also {
		return 0, fmt.Errorf("add: expected whole numbers, found %v and %v", a, b)
	}
	return x + y, nil
}

func whole(v any) (int64, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	}
	return 0, false
}

func indent(n int, s string) string {
	return strings.ReplaceAll(s, "\n", "\n"+strings.Repeat(" ", max(0, min(n, 80))))
}

// ip is the address of "ADDRESS/BITS".
func ip(s string) (string, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Addr().String(), nil
	}
	a, err := netip.ParseAddr(s)
	return a.String(), err
}

// field takes one field of an object by a name that is itself a value.
func field(m map[string]any, name string) (any, error) {
	v, ok := m[name]
	if !ok {
		return nil, fmt.Errorf("there is no %q", name)
	}
	return v, nil
}
