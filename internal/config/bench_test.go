package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haprov/internal/config"
)

// writePlay makes a play of 60 steps, 15 of them templated files, for n hosts.
func writePlay(t testing.TB, n int) string {
	t.Helper()
	dir := t.TempDir()
	put := func(name, text string) {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var inv, r strings.Builder
	for i := range n {
		fmt.Fprintf(&inv, "host \"h%02d\" {\n  address = \"10.0.%d.%d\"\n  vars = { node = \"h%02d\", id = %d, token = \"1000\", peers = [{ name = \"a\", ip = \"10.9.9.1\" }, { name = \"b\", ip = \"10.9.9.2\" }] }\n}\n", i, i/200, i%200+1, i, i)
	}
	inv.WriteString("cluster \"bench\" { recipe = \"play\" }\n")
	r.WriteString("recipe \"play\" {\n  on \"all\" {\n")
	for i := range 10 {
		fmt.Fprintf(&r, "    package \"package-%d\" {}\n", i)
	}
	for i := range 8 {
		fmt.Fprintf(&r, "    directory \"/etc/d%d\" {\n      owner = \"root\"\n      group = \"root\"\n      mode  = \"0755\"\n    }\n", i)
	}
	for i := range 15 {
		fmt.Fprintf(&r, "    file \"/etc/f%d\" {\n      owner   = \"root\"\n      mode    = \"0644\"\n      content = template(\"t%d.tmpl\", each.host.vars)\n    }\n", i, i)
		put(fmt.Sprintf("templates/t%d.tmpl", i), strings.Repeat("line of {{ .node }} {{ .token }}\n", 20)+"{{ range .peers }}{{ .name }} {{ .ip }}\n{{ end }}")
	}
	for i := range 10 {
		fmt.Fprintf(&r, "    line \"line %d\" {\n      path = \"/etc/limits\"\n      line = \"l%d soft\"\n    }\n", i, i)
	}
	for i := range 5 {
		fmt.Fprintf(&r, "    symlink \"/etc/l%d\" { target = \"/etc/f%d\" }\n    service \"s%d.service\" {}\n", i, i, i)
	}
	for i := range 7 {
		fmt.Fprintf(&r, "    command \"c%d\" {\n      probe = \"test -f /x%d\"\n      run   = \"touch /x%d\"\n    }\n", i, i, i)
	}
	r.WriteString("  }\n}\n")
	put("haprov.hcl", inv.String())
	put("recipes/play.hcl", r.String())
	return filepath.Join(dir, "haprov.hcl")
}

// BenchmarkLoad must grow with the hosts and stay far below a login's cost a host.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{2, 20, 200, 1000} {
		b.Run(fmt.Sprintf("hosts=%d", n), func(b *testing.B) {
			path := writePlay(b, n)
			b.ReportAllocs()
			for b.Loop() {
				p, problems := config.Load(path, config.Options{})
				if problems.Failed() || len(p.Clusters[0].Chains) != n || len(p.Clusters[0].Chains[0].Items) != 60 {
					b.Fatal(problems.Render(80, false))
				}
			}
		})
	}
}
