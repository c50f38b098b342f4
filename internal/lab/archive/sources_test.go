package archive

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const stanzas = `Types: deb deb-src
# a comment in between
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.test/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: http://other.test/apt
Suites: bookworm
Components: stable

Types: deb
URIs: http://tools.test
Suites: bookworm
Components: main
Signed-By: /etc/apt/keyrings/tools.gpg

Enabled: no
Types: deb
URIs: http://off.test/debian
Suites: bookworm
Components: main
`

func lines(all []Source) string {
	var b strings.Builder
	for _, s := range all {
		b.WriteString(s.Line() + "\n")
	}
	return b.String()
}

func etcApt(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestOnlyDebiansOwnArchivesOfTheHostAreUsed(t *testing.T) {
	host := hostSources(etcApt(t, "sources.list.d/debian.sources", stanzas))
	const signed = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
	for suite, want := range map[string]string{
		"bookworm": signed + "http://mirror.test/debian bookworm main\n" +
			signed + "http://mirror.test/debian bookworm-updates main\n" +
			signed + "http://mirror.test/debian-security bookworm-security main\n",
		"sid": signed + "http://mirror.test/debian sid main\n",
	} {
		if got := lines(derive(host, suite)); got != want {
			t.Errorf("%s:\n%swant:\n%s", suite, got, want)
		}
	}
}

func TestOneLineSourcesOfANewerHostLeadToTheImagesSuite(t *testing.T) {
	host := hostSources(etcApt(t, "sources.list", `
# deb http://old.test/debian trixie main
deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.test/debian trixie main non-free-firmware
deb-src http://mirror.test/debian trixie main
deb http://mirror.test/debian-security trixie-security main # security
`))
	got := lines(derive(host, "bookworm"))
	if strings.Count(got, "\n") != 2 || !strings.Contains(got, "/debian bookworm main") || !strings.Contains(got, "bookworm-security main") {
		t.Error(got)
	}
}

func TestAHostWithoutDebianLeavesTheChoiceToTheBuilder(t *testing.T) {
	host := hostSources(etcApt(t, "sources.list", "deb http://archive.test/ubuntu noble main universe\n"))
	if got := derive(host, "bookworm"); got != nil {
		t.Error(got)
	}
}

func TestAnArchiveOfADayIsTakenWhereAptTakesIt(t *testing.T) {
	conf := filepath.Join(t.TempDir(), "apt.conf")
	for text, want := range map[string]bool{`Acquire::Check-Valid-Until "false";`: true, `Acquire::Check-Valid-Until "true";`: false, "": false} {
		// the machine's own settings are out of the way
		if err := os.WriteFile(conf, []byte("Dir::Etc::parts \"-\";\nDir::Etc::main \"-\";\n"+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("APT_CONFIG", conf)
		if got := OfAnyAge(); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
