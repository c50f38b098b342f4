package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"haprov/internal/config"
	"haprov/internal/inventory"
	"haprov/internal/secret/store"
)

const public = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"

const withSecrets = `
network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.2" }
cluster "shop" { recipe = "r" }
recipe "r" {
  on "all" {
    file "/x" { content = "${secret("app")}${certificate("db1").key}" }
  }
}
`

// loadHere reads an inventory in a folder that has a program secrets.sh.
func loadHere(t *testing.T, text string, o config.Options) (dir string, src *inventory.SecretSource, problems config.Problems) {
	t.Helper()
	dir = t.TempDir()
	path := filepath.Join(dir, "haprov.hcl")
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "secrets.sh"), []byte("#!/bin/sh\n"), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	p, problems := config.Load(path, o)
	if p != nil {
		src = p.Inventory.Secrets
	}
	return dir, src, problems
}

func TestWhereSecretsAreIsReadWithItsDefaults(t *testing.T) {
	for text, want := range map[string]func(dir string) inventory.SecretSource{
		`secrets {
  age { recipients = ["` + public + `"] }
}`: func(dir string) inventory.SecretSource {
			return inventory.SecretSource{Age: &inventory.AgeFile{Path: dir + "/secrets.age", Recipients: []string{public}}}
		},
		`secrets {
  command { run = ["./secrets.sh", "-x"] }
}`: func(dir string) inventory.SecretSource {
			return inventory.SecretSource{Command: &inventory.SecretCommand{Run: []string{"./secrets.sh", "-x"}, Dir: dir, Timeout: 30e9}}
		},
		`secrets {
  vault {
    address = "https://vault.example.com:8200"
    ca      = "ca.pem"
  }
}`: func(dir string) inventory.SecretSource {
			return inventory.SecretSource{Vault: &inventory.Vault{Address: "https://vault.example.com:8200", Mount: "secret", Path: "haprov", CA: dir + "/ca.pem"}}
		},
	} {
		dir, got, problems := loadHere(t, withSecrets+text, config.Options{})
		if got == nil {
			t.Fatal(problems.Render(80, false))
		}
		if d := cmp.Diff(want(dir), *got); d != "" {
			t.Error(d)
		}
	}
	if _, got, problems := loadHere(t, strings.ReplaceAll(withSecrets, "secret(", "lower("), config.Options{Secrets: secrets{}}); got != nil || len(problems) > 0 {
		t.Errorf("without the block: %v, %s", got, problems.Render(80, false))
	}
}

const inCommand = `secrets {
  command { run = ["./secrets.sh"] }
}
`

// What is wrong is told before the source of the secrets is opened; what is right is read with its
// secrets, and not with those of this machine.
func TestSecretsAreOpenedOnlyWhenNothingIsWrong(t *testing.T) {
	here, shared, opened := store.Scratch(), store.Scratch(), 0
	o := config.Options{Secrets: here, Source: func(s inventory.SecretSource) (config.Secrets, error) {
		opened++
		return shared, nil
	}}
	_, _, problems := loadHere(t, withSecrets+inCommand+`host "db2" { adress = "10.0.0.3" }`, o)
	if !problems.Failed() || opened > 0 {
		t.Errorf("opened %d times, %s", opened, problems.Render(80, false))
	}
	if _, _, problems = loadHere(t, withSecrets+inCommand, o); problems.Failed() || opened != 1 {
		t.Errorf("opened %d times, %s", opened, problems.Render(80, false))
	}
	if got := strings.Join(shared.Drawn(), " "); got != "shop/app shop/tls-ca shop/tls-db1" || len(here.Drawn()) > 0 {
		t.Errorf("asked for %s there, and here for %v", got, here.Drawn())
	}
}

func TestSecretsThatCannotBeOpenedAreAMistakeOfTheBlock(t *testing.T) {
	o := config.Options{Source: func(inventory.SecretSource) (config.Secrets, error) { return nil, errors.New("there is no token") }}
	_, got, problems := loadHere(t, withSecrets+inCommand, o)
	line := strings.Count(withSecrets, "\n") + 1
	if got != nil || len(problems) != 1 || problems[0].Line != line || problems[0].Detail != "There is no token." {
		t.Errorf("%v", problems)
	}
}

func TestAPrivateKeyAmongTheRecipientsIsNotShown(t *testing.T) {
	const key = "AGE-SECRET-KEY-1HUNTER2HUNTER2HUNTER2HUNTER2HUNTER2HUNTER2HUNTER2HUNTER2HU"
	_, _, problems := loadHere(t, withSecrets+`secrets {
  age { recipients = ["`+key+`"] }
}`, config.Options{})
	if out := problems.Render(80, false); !strings.Contains(out, "a private key") || strings.Contains(out, key[20:40]) {
		t.Error(out)
	}
}

func TestTheBlocksInTheDocumentsAreRight(t *testing.T) {
	doc, err := os.ReadFile("../../docs/secrets.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(doc), "```hcl\n")[1:]
	if len(blocks) < 3 {
		t.Fatalf("%d blocks", len(blocks))
	}
	for _, b := range blocks {
		if b, _, _ = strings.Cut(b, "```"); strings.HasPrefix(b, "secrets {") {
			if _, got, problems := loadHere(t, withSecrets+b, config.Options{}); got == nil {
				t.Error(problems.Render(80, false))
			}
		}
	}
}
