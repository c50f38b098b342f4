package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haprov/internal/config"
	"haprov/internal/secret"
)

// canaries are secrets of several forms: some get past the first check of what they are given to.
var canaries = []string{"Zq7Xw9Kp3Vt5", "918273645546", "203.0.113.77", "203.0.113.77/24", "918273h", "abcdefzyxw", `Zq7"Xw9\Kp3`}

// songs are stores that give one canary for every secret.
type songs string

func (s songs) Get(string, string, int) (secret.Text, bool) {
	return secret.Sensitive(string(s)), true
}

func (s songs) Former(string, string) (secret.Text, bool) {
	return secret.Sensitive(string(s)), true
}

func (songs) Renew(string, string, func(string) (string, error)) error { return nil }

func (s songs) Make(_, _ string, make func() (string, error)) (secret.Text, bool, error) {
	t, err := make()
	return secret.Sensitive(t), false, err
}

// leaks tells whether a text holds a canary, or a piece of it, in any case.
func leaks(text, canary string) bool {
	text = strings.ToLower(text)
	for _, part := range []string{canary, strings.Split(canary, "/")[0], strings.Split(canary, `"`)[0]} {
		if len(part) < 6 {
			continue
		}
		if part = strings.ToLower(part); strings.Contains(text, part) || strings.Contains(text, part[:len(part)-2]) {
			return true
		}
	}
	return false
}

// misused are expressions that work with S, a secret, by every function and operator.
func misused() (out []string) {
	for _, f := range config.Functions() {
		plain := map[string]string{"cidr": `"10.0.0.0/24"`, "n": "1", "num": "1", "list": `["a"]`, "lists": `["a"]`, "seqs": `["a"]`, "maps": `{ a = "b" }`, "map": `{ a = "b" }`, "mapping": `{ a = "b" }`, "inputMap": `{ a = "b" }`,
			"numbers": "1", "vals": `"a"`, "args...": `"a"`, "values...": `{ a = "b" }`, "length...": "12", "key": `"a"`, "default": `"a"`, "lists...": `["a"]`, "seqs...": `["a"]`, "maps...": `{ a = "b" }`, "numbers...": "1", "vals...": `"a"`}
		for i := range f.Params {
			for _, bad := range []string{"S", "[S]", "{ a = S }"} {
				args := make([]string, len(f.Params))
				for k, p := range f.Params {
					if args[k] = plain[p]; args[k] == "" {
						args[k] = `"x"`
					}
					if k == i {
						args[k] = bad
					}
				}
				out = append(out, f.Name+"("+strings.Join(args, ", ")+")")
			}
		}
	}
	for _, t := range []string{"{{ word .v }}", "{{ cnf .v }}", "{{ sql .v }}", "{{ ip .v }}", "{{ add .v 1 }}", "{{ range .v }}{{ end }}", "{{ index .v 1 }}", "{{ .v.x }}", "{{ field .m .v }}", "{{ field .v \\\"x\\\" }}", "{{ join .v .v }}", "{{ printf .v 1 | word }}", "{{ indent .v .v }}",
		"{{ template .v }}", "{{ upper .v | word }}{{ word .w }}", "{{ slice .v 99 }}", "{{ call .v }}", "{{ eq .v 1 }}", "{{ lt .v 1 }}", "{{ len .n }}{{ json .v | word }}", "{{ html .v | ip }}", "{{ urlquery .v | ip }}", "{{ print .v | ip }}"} {
		out = append(out, "T:"+t)
	}
	return append(out, "S + 1", "S > 1", "!S", "-S", "S ? 1 : 2", "S[0]", "S.foo", `S["a"]`, "[1][S]", `{ a = 1 }[S]`, `"${S}"`, "[for x in S : x]", "{ for x in [S, S] : x => x }", "{ for x in [S] : x => x + 1 }", "[for x in [S] : x.foo]", "S...", "[S][*].foo", "[S][*] + 1", `"%{ if S }x%{ endif }"`, `"%{ for x in S }x%{ endfor }"`,
		"{ (S) = 1 }", "S == S ? S + 1 : 0", "S && true", "role[S]", "cluster[S]", "each.host[S]", "host[S]", "S")
}

// texts is all that a Load gives, as it would be shown.
func texts(file string, o config.Options) string {
	p, problems := config.Load(file, o)
	b, _ := json.Marshal(problems)
	s := problems.Render(200, false) + string(b)
	if p != nil {
		inv, _ := json.Marshal(p.Inventory)
		s += string(inv)
		for _, c := range p.Clusters {
			s += fmt.Sprint(c.Name, c.Endpoints, c.Secrets, c.Checks, c.Active, c.About)
			for _, ch := range c.Chains {
				for _, it := range ch.Items {
					s += it.Address + fmt.Sprintf("%+v", it.Step)
				}
			}
		}
	}
	return s
}

// TestNoProblemShowsASecret misuses a secret in every way that the language has, in every place where
// a value can stand.
func TestNoProblemShowsASecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "templates"), 0o755); err != nil {
		t.Fatal(err)
	}
	var places []string // blocks of a recipe; E is the expression
	for _, in := range []string{`file "/etc/x" { content = E }`, `sysctl "net.ipv4.ip_forward" { value = E }`, "file \"/etc/x\" {\n  content = \"x\"\n  when = E\n}", "file \"x\" {\n  path = each.key\n  content = each.value\n  for_each = E\n}", "drbd_volume \"x\" {\n  backing = E\n}"} {
		places = append(places, "on \"db\" {\n"+in+"\n}")
	}
	on := "\n  on \"db\" {}"
	places = append(places, "endpoint \"e\" {\n  address = E\n  port    = 1\n}"+on, "endpoint \"e\" {\n  address = \"a\"\n  port    = E\n}"+on, "active = E"+on, "check \"x\" {\n  run = E\n}"+on)
	n := 0
	for _, place := range places {
		for _, e := range misused() {
			for _, canary := range canaries {
				expr := e
				if text, ok := strings.CutPrefix(e, "T:"); ok {
					if err := os.WriteFile(filepath.Join(dir, "templates/t.tmpl"), []byte(strings.ReplaceAll(text, `\"`, `"`)), 0o644); err != nil {
						t.Fatal(err)
					}
					expr = `template("t.tmpl", { v = S, m = { a = "b" }, n = [1], w = "a b" })`
				} else if n++; canary != canaries[n%2] && canary != canaries[2+n%5] {
					continue
				}
				step := strings.ReplaceAll(place, "E", strings.ReplaceAll(expr, "S", `secret("x")`))
				text := strings.Replace(string(around("")), "on \"db\" {\n\n  }", step, 1)
				path := filepath.Join(dir, "haprov.hcl")
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				if got := texts(path, config.Options{Secrets: songs(canary)}); leaks(got, canary) {
					t.Errorf("%s by %s shows %s:\n%.600s", place, e, canary, got)
				}
			}
		}
	}
}

// TestNoPlaceShowsASecret gives a secret to every argument of every kind and of every block, and to
// inputs of every type, their defaults and their conditions.
func TestNoPlaceShowsASecret(t *testing.T) {
	t.Parallel()
	show := func(what, text string, o config.Options, canary string) {
		o.Text = []byte(text)
		if got := texts("haprov.hcl", o); leaks(got, canary) {
			t.Errorf("%s shows %s:\n%.800s", what, canary, got)
		}
	}
	for _, canary := range canaries {
		o := config.Options{Secrets: songs(canary)}
		for _, s := range slots(t) {
			show(s.name, string(around(strings.ReplaceAll(s.with("HERE"), `"HERE"`, `secret("x")`))), o, canary)
		}
		for _, typ := range []string{"string", "number", "bool", "any", "vip", "duration", "port", "list(string)", "map(number)"} {
			for _, input := range []string{"type = T", "type = T\n sensitive = true", "type = T\n default = S", "type = T\n check \"no\" { that = false }", "type = T\n check \"no\" { that = value + 1 }", "type = T\n check \"no\" { that = contains(value, 1) }",
				"type = T\n check \"no\" { that = value }", "type = T\n check \"no\" { that = cidrhost(value, 1) == \"\" }", "type = T\n check \"no\" { that = { a = 1 }[value] == 1 }", "type = T\n sensitive = true\n check \"no\" { that = cidrhost(value, 1) == \"\" }"} {
				for _, given := range []string{"secret(\"x\")", "[secret(\"x\")]", "{ a = secret(\"x\") }", fmt.Sprintf("%q", canary)} {
					if strings.HasPrefix(given, `"`) && !strings.Contains(input, "sensitive") {
						continue
					}
					text := strings.Replace(string(around("")), `recipe = "r"`, "recipe = \"r\"\n  inputs = { v = "+given+" }", 1)
					text = strings.Replace(text, "recipe \"r\" {", "recipe \"r\" {\n input \"v\" {\n"+strings.NewReplacer("T", typ, "S", `secret("x")`).Replace(input)+"\n}", 1)
					show("input "+input+" "+typ+" "+given, text, o, canary)
				}
			}
		}
		for _, block := range []string{"network \"m\" { cidr = S }", "network \"m\" {\n cidr = \"10.9.0.0/24\"\n carries = [S]\n}", "ssh { user = S }", "ssh { port = S }", "ssh { keys = [S] }", "ssh { jump = S }", "ssh { sudo_password = S }", "ssh { known_hosts = S }",
			"host \"z\" { address = S }", "host \"z\" { vars = { a = S } }", "host \"z\" {\n address = \"10.0.0.99\"\n vars = { (S) = 1 }\n}", "host \"z\" {\n address = \"10.0.0.99\"\n fence \"fence_ipmilan\" { options = { ip = S } }\n}", "host \"z\" {\n address = \"10.0.0.99\"\n fence \"fence_ipmilan\" { options = { (S) = 1 } }\n}",
			"host \"z\" {\n address = \"10.0.0.99\"\n fence \"fence_ipmilan\" { options = { password = S, nodename = S } }\n}", "host \"z\" {\n address = \"10.0.0.99\"\n disk \"d\" { size = S }\n}", "host \"z\" {\n address = \"10.0.0.99\"\n disk \"d\" { device = S }\n}", "host \"z\" {\n address = \"10.0.0.99\"\n memory = S\n}",
			"group \"g\" { hosts = [S] }", "group \"g\" { hosts = S }", "group \"g\" {\n hosts = [host.h1]\n vars = S\n}", "cluster \"d\" { recipe = S }", "cluster \"d\" {\n recipe = \"r\"\n inputs = { (S) = 1 }\n}", "cluster \"d\" {\n recipe = \"r\"\n inputs = S\n}", "cluster \"d\" {\n recipe = \"r\"\n role \"db\" { hosts = [S] }\n}",
			"lab \"y\" { image = S }", "recipe \"q\" { about = S }", "recipe \"q\" { needs = [S] }", "recipe \"q\" {\n input \"v\" { type = S }\n}", "recipe \"q\" {\n role \"v\" { min = S }\n}", "recipe \"q\" {\n on \"db\" {\n use \"r\" { inputs = { (S) = S } }\n}\n}"} {
			show(block, string(around(""))+strings.ReplaceAll(block, "S", `secret("x")`)+"\n", o, canary)
		}
	}
}
