package cli

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haprov/internal/recipe"
	"haprov/internal/secret"
	"haprov/internal/secret/ca"
	"haprov/internal/secret/store"
)

func TestEvidenceOfSeveralLinesIsOneReason(t *testing.T) {
	got := oneReason("db1: the two sides do not talk\n  db1: StandAlone\n  db2: WFConnection\x1b[2J\n")
	if want := `db1: the two sides do not talk; db1: StandAlone; db2: WFConnection\u001b[2J`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestStatusWarnsOfCertificatesThatEndWithinAMonth(t *testing.T) {
	kept, err := store.Open(filepath.Join(t.TempDir(), "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c := recipe.Cluster{Name: "shop", Secrets: []string{"app", "tls-none"}}
	for _, days := range []int{-1, 29, 31, 400} {
		text, err := ca.New("shop", now.Add(time.Duration(days)*24*time.Hour-ca.Life))
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("tls-%d", days+1)
		if err := kept.Put("shop", name, secret.Sensitive(text)); err != nil {
			t.Fatal(err)
		}
		c.Secrets = append(c.Secrets, name)
	}
	j := &job{app: &app{inventory: "x.hcl"}, secrets: kept}
	got := strings.Join(j.ending(c, now), "\n")
	want := fmt.Sprintf("certificate tls-0 ends on %s; haprov up -i x.hcl renews it\ncertificate tls-30 ends on %s; haprov up -i x.hcl renews it",
		now.Add(-24*time.Hour).UTC().Format(time.DateOnly), now.Add(29*24*time.Hour).UTC().Format(time.DateOnly))
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
