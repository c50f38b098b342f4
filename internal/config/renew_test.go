package config_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haprov"
	"haprov/internal/config"
	"haprov/internal/kind/host"
	"haprov/internal/secret"
	"haprov/internal/secret/ca"
	"haprov/internal/secret/store"
)

// Certificates that end within a year are others at the next run, kept once it acts; those that do not are
// the same at every run.
func TestCertificatesAreRenewedLongBeforeTheyEnd(t *testing.T) {
	for days, renewed := range map[int]bool{200: true, 400: false} {
		dir := filepath.Join(t.TempDir(), "secrets")
		open := func() *store.Store {
			s, err := store.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		begun := time.Now().Add(time.Duration(days)*24*time.Hour - ca.Life)
		authority, err := ca.New("shop", begun)
		if err != nil {
			t.Fatal(err)
		}
		old := open()
		put := func(name, text string) {
			if err := old.Put("shop", name, secret.Sensitive(text)); err != nil {
				t.Fatal(err)
			}
		}
		put("tls-ca", authority)
		first := map[string]string{}
		for h, address := range map[string]string{"db1": "192.168.58.11", "db2": "192.168.58.12", "db3": "192.168.58.13"} {
			text, err := ca.Issue(authority, h, begun, "192.168.58.100", address, "localhost", "127.0.0.1")
			if err != nil {
				t.Fatal(err)
			}
			put("tls-"+h, text)
			first[h], _, _ = ca.Split(text)
		}
		// certificates are what the hosts are to have, by host and path
		certificates := func(s *store.Store) map[string]string {
			text, err := haprov.Shipped.ReadFile("inventory/galera.hcl")
			if err != nil {
				t.Fatal(err)
			}
			p, problems := config.Load("galera.hcl", config.Options{Text: text, Shipped: haprov.Shipped, Secrets: s})
			if problems.Failed() {
				t.Fatal(problems.Render(100, false))
			}
			out := map[string]string{}
			for _, c := range p.Clusters[0].Chains {
				for _, it := range c.Items {
					if f, ok := it.Step.(*host.File); ok && strings.HasPrefix(f.Path, "/etc/mysql/tls/") {
						out[c.Host+f.Path] = f.Content.Reveal()
					}
				}
			}
			return out
		}
		s := open()
		now := certificates(s)
		root, _, _ := ca.Split(authority)
		if len(now) != 6 || (now["db1/etc/mysql/tls/ca.pem"] != root) != renewed || now["db1/etc/mysql/tls/ca.pem"] != now["db2/etc/mysql/tls/ca.pem"] {
			t.Errorf("%d days before the end: %d certificates, or the authority's is not as wanted", days, len(now))
		}
		for h, cert := range first {
			if (now[h+"/etc/mysql/tls/cert.pem"] != cert) != renewed {
				t.Errorf("%d days before its end: %s, renewed not %v", days, h, renewed)
			}
		}
		if kept, err := open().Show("shop", "tls-ca"); err != nil || kept.Reveal() != authority {
			t.Error("planning changed the store")
		}
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
		for path, text := range certificates(open()) {
			if now[path] != text {
				t.Errorf("%d days before the end: %s is another one at the next run", days, path)
			}
		}
	}
}
