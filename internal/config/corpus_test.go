package config_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"haprov/internal/config"
	"haprov/internal/inventory"
	"haprov/internal/secret"
)

var update = flag.Bool("update", false, "write the golden files")

type secrets struct{}

func (secrets) Get(cluster, name string, _ int) (secret.Text, bool) {
	return secret.Sensitive("drawn-" + cluster + "-" + name), false
}

func (secrets) Former(string, string) (secret.Text, bool) { return secret.Text{}, false }

// made keeps what secrets made: it must be the same at every call.
var made sync.Map

func (secrets) Renew(cluster, name string, make func(string) (string, error)) error {
	old, ok := made.Load(cluster + "/" + name)
	if !ok {
		return nil
	}
	s, err := make(old.(secret.Text).Reveal())
	if err == nil && s != "" {
		made.Store(cluster+"/"+name, secret.Sensitive(s))
	}
	return err
}

func (secrets) Make(cluster, name string, make func() (string, error)) (secret.Text, bool, error) {
	if t, ok := made.Load(cluster + "/" + name); ok {
		return t.(secret.Text), false, nil
	}
	s, err := make()
	t, _ := made.LoadOrStore(cluster+"/"+name, secret.Sensitive(s))
	return t.(secret.Text), false, err
}

var marker = regexp.MustCompile(`# (FILE )?ERROR: ([^#\r\n]+)`)

// TestBadFilesGiveTheirMessages reads each file of the corpus: the mistakes found must be those
// marked on the guilty lines, no more and no fewer, and the whole text must be the golden one.
func TestBadFilesGiveTheirMessages(t *testing.T) {
	files, _ := filepath.Glob("testdata/bad/*.hcl")
	if len(files) < 40 {
		t.Fatalf("%d files", len(files))
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".hcl"), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			var want, got []string
			for i, l := range bytes.Split(text, []byte("\n")) {
				for _, m := range marker.FindAllSubmatch(l, -1) {
					line := i + 1
					if len(m[1]) > 0 {
						line = 0
					}
					want = append(want, fmt.Sprintf("%d: %s", line, strings.TrimSpace(string(m[2]))))
				}
			}
			p, problems := config.Load(f, config.Options{Secrets: secrets{}})
			if p != nil {
				t.Error("a program was made all the same")
			}
			for _, p := range problems {
				got = append(got, fmt.Sprintf("%d: %s", p.Line, p.Summary))
			}
			sort.Strings(want)
			sort.Strings(got)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("mistakes (-marked +found):\n%s\n%s", d, problems.Render(100, false))
			}
			golden(t, strings.TrimSuffix(f, ".hcl")+".txt", problems.Render(100, false))
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
	if strings.Contains(got, "hunter2") {
		t.Error("the message shows a secret")
	}
}

// runs are machines of one driver.
func runs(driver string, speed float64) func(*inventory.Inventory) config.Machines {
	return func(*inventory.Inventory) config.Machines { return config.Machines{Driver: driver, Speed: speed} }
}
