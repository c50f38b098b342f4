package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haprov/internal/secret/store"
	"haprov/internal/secret/store/storetest"
)

// stand is in the place of pass where it is not installed: what the script in the documents uses of it.
const stand = `#!/bin/sh
set -eu
for entry; do :; done
f=$PASSWORD_STORE_DIR/$entry.gpg
mkdir -p "${f%/*}"
case $1 in
show) cat "$f" ;;
insert) cat > "$f.new"; mv "$f.new" "$f" ;;
rm) rm "$f" ;;
esac
`

// The script for pass in the documents does what is asked of a program: with pass itself where a GnuPG key
// stands in TEST_PASS_KEY, else with what stands in for it.
func TestTheScriptForPassInTheDocumentsIsASource(t *testing.T) {
	doc, err := os.ReadFile("../../../../docs/secrets.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ := strings.Cut(string(doc), "\n```sh\n")
	script, _, found := strings.Cut(script, "```\n")
	if !found {
		t.Fatal("docs/secrets.md has no script")
	}
	key := os.Getenv("TEST_PASS_KEY")
	if key == "" {
		bin := t.TempDir()
		if err := os.WriteFile(filepath.Join(bin, "pass"), []byte(stand), 0o700); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	}
	storetest.Run(t, func(t *testing.T) func() store.Source {
		dir := program(t, script)
		t.Setenv("PASSWORD_STORE_DIR", filepath.Join(dir, "store"))
		if err := os.Mkdir(filepath.Join(dir, "store"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "store", ".gpg-id"), []byte(key+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return func() store.Source { return open(t, dir, time.Minute) }
	})
}
