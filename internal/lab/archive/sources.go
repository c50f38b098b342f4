package archive

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Keyring is where Debian's own package puts the archive's keys.
const Keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// Source is one archive, suite by suite, as apt's own configuration names it.
type Source struct {
	uri, suite string
	components []string
	signedBy   string // path of a keyring, or ""
}

// Line is the source in apt's one-line form.
func (s Source) Line() string {
	keys := s.signedBy
	if keys == "" {
		keys = Keyring
	}
	return "deb [signed-by=" + keys + "] " + s.uri + " " + s.suite + " " + strings.Join(s.components, " ")
}

// OfAnyAge tells whether this machine's own apt takes an archive that calls itself out of date
// (apt.conf(5), Acquire::Check-Valid-Until): mirrors that are kept as of a day are. mmdebstrap does
// not read that configuration.
func OfAnyAge() bool {
	const key = "Acquire::Check-Valid-Until"
	out, err := exec.Command("apt-config", "shell", "said", key, "checked", key+"/b").Output() // one not said is false, too
	return err == nil && strings.Contains(string(out), "said='") && strings.Contains(string(out), "checked='false'")
}

// Of says where this machine's own apt finds a suite of Debian; none when it names no Debian archive.
func Of(suite string) []Source {
	host := hostSources("/etc/apt")
	if !strings.Contains(suite, "-") {
		return derive(host, suite)
	}
	sources := derive(host, "sid") // backports: a suite that has no others beside it
	for i := range sources {
		sources[i].suite = suite
	}
	return sources
}

// debian are the names a Debian archive's suites go by; what has another name is no Debian archive.
var debian = []string{"bullseye", "bookworm", "trixie", "forky", "sid", "oldoldstable", "oldstable", "stable", "testing", "unstable"}

// hostSources reads the Debian archives that this machine's own apt uses, from a folder like
// /etc/apt. Whatever stands there is what this machine can reach.
func hostSources(dir string) []Source {
	var all []Source
	lists, _ := filepath.Glob(filepath.Join(dir, "sources.list.d", "*.list"))
	for _, path := range append([]string{filepath.Join(dir, "sources.list")}, lists...) {
		if text, err := os.ReadFile(path); err == nil {
			all = append(all, parseLines(string(text))...)
		}
	}
	stanzas, _ := filepath.Glob(filepath.Join(dir, "sources.list.d", "*.sources"))
	for _, path := range stanzas {
		if text, err := os.ReadFile(path); err == nil {
			all = append(all, parseStanzas(string(text))...)
		}
	}
	return slices.DeleteFunc(all, func(s Source) bool {
		base, _ := splitSuite(s.suite)
		foreign := s.signedBy != "" && !strings.Contains(s.signedBy, "debian-archive")
		return foreign || !slices.Contains(debian, base) || !slices.Contains(s.components, "main")
	})
}

// derive says where a suite is, given where this machine's own suites are: the same archives,
// with security and updates beside it where this machine has them (and the suite does).
func derive(host []Source, suite string) []Source {
	var found []Source
	for _, s := range host {
		_, kind := splitSuite(s.suite)
		rolling := suite == "sid" || suite == "unstable"
		if kind != "" && (rolling || kind != "-updates" && kind != "-security") {
			continue
		}
		s.suite, s.components = suite+kind, []string{"main"}
		same := func(o Source) bool { return o.uri == s.uri && o.suite == s.suite }
		if !slices.ContainsFunc(found, same) {
			found = append(found, s)
		}
	}
	return found
}

// splitSuite parts bookworm-updates into bookworm and -updates.
func splitSuite(suite string) (base, kind string) {
	suite = strings.Trim(suite, "/")
	if i := strings.IndexByte(suite, '-'); i >= 0 {
		return suite[:i], suite[i:]
	}
	return suite, ""
}

// parseLines reads sources.list(5)'s one-line form.
func parseLines(text string) []Source {
	var all []Source
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		rest, ok := strings.CutPrefix(line, "deb ")
		if !ok {
			continue
		}
		var s Source
		rest = strings.TrimSpace(rest)
		if options, after, ok := strings.Cut(rest, "]"); ok && strings.HasPrefix(options, "[") {
			rest = after
			for _, option := range strings.Fields(options[1:]) {
				if path, ok := strings.CutPrefix(option, "signed-by="); ok {
					s.signedBy = path
				}
			}
		}
		if fields := strings.Fields(rest); len(fields) >= 3 {
			s.uri, s.suite, s.components = fields[0], fields[1], fields[2:]
			all = append(all, s)
		}
	}
	return all
}

// parseStanzas reads sources.list(5)'s deb822 form.
func parseStanzas(text string) []Source {
	var all []Source
	for _, stanza := range strings.Split(strings.ReplaceAll(text, "\r", ""), "\n\n") {
		fields := map[string]string{}
		last := ""
		for line := range strings.Lines(stanza) {
			switch name, value, ok := strings.Cut(line, ":"); {
			case strings.HasPrefix(line, "#"):
			case line[0] == ' ' || line[0] == '\t':
				fields[last] += " " + strings.TrimSpace(line)
			case ok:
				last = strings.ToLower(name)
				fields[last] = strings.TrimSpace(value)
			}
		}
		if !slices.Contains(strings.Fields(fields["types"]), "deb") || strings.EqualFold(fields["enabled"], "no") {
			continue
		}
		keys := fields["signed-by"]
		if !strings.HasPrefix(keys, "/") {
			keys = "" // a key in the file itself; Debian's keys have a package
		}
		for _, uri := range strings.Fields(fields["uris"]) {
			for _, suite := range strings.Fields(fields["suites"]) {
				all = append(all, Source{uri, suite, strings.Fields(fields["components"]), keys})
			}
		}
	}
	return all
}
