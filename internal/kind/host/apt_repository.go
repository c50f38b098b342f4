package host

import (
	"regexp"
	"strings"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
)

var AptRepositorySpec = kind.Spec{
	Name:    "apt_repository",
	Summary: "A source of Debian packages with the key that signs it, pinned by the key's fingerprint.",
	Example: `apt_repository "mariadb" {
  uris        = ["https://deb.mariadb.org/11.4/debian"]
  suites      = ["bookworm"]
  components  = ["main"]
  key         = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEawoG4xYJKwYBBAHaRw8BAQdAjXDfOS2GvjXhC6tYiYAPLq9ZBgL4j+RLp4dX\nJ+e6TPW0H2V4YW1wbGUgZWQyNTUxOSA8YUBleGFtcGxlLm9yZz6IkAQTFggAOBYh\nBCaXqL60laaXQy+G1Iu+uONcCVZLBQJrCgbjAhsDBQsJCAcCBhUKCQgLAgQWAgMB\nAh4BAheAAAoJEIu+uONcCVZL49UA/1ETmFrTuXcYNglSQCdWWgA6EfjCvrlQ3Xj4\nJiV9I8cbAP9WpssDxcUkVqKL+56gE3vCeleQ+qtqj3btdeD2P652Cg==\n=jG0l\n-----END PGP PUBLIC KEY BLOCK-----\n"
  fingerprint = "2697A8BEB495A697432F86D48BBEB8E35C09564B"
}
`,
	New: func() any { return &AptRepository{} },
}

// AptRepository is a file NAME.sources below /etc/apt/sources.list.d in the form of deb822, the key in
// it (sources.list(5), Signed-By). Whoever serves the key cannot change it: its fingerprint is compared
// before any host is asked. After a change the package lists are fetched anew, so that the steps that
// follow see the new packages.
type AptRepository struct {
	Name        string   `hcl:"name,label" about:"Name of the file, without its suffix"`
	URIs        []string `hcl:"uris" about:"Where it is, each with its scheme"`
	Suites      []string `hcl:"suites" about:"Names of releases, or one path that ends with a slash"`
	Components  []string `hcl:"components,optional" about:"Parts of the releases, such as main; none with a path"`
	Key         string   `hcl:"key" text:"lines" about:"Public key that signs it, in ASCII armor"`
	Fingerprint string   `hcl:"fingerprint" about:"Fingerprint of that key: 40 hexadecimal digits, spaces allowed"`
}

var (
	sourceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
	sourceURI  = regexp.MustCompile(`^((mirror\+)?https?://|file:/)[^\s\x00-\x1f#"'\[\]]+$`)
	sourceWord = regexp.MustCompile(`^[A-Za-z0-9.][A-Za-z0-9._/+-]*$`)
)

// Owns is the file.
func (r *AptRepository) Owns(_ string) []kind.Thing { return kind.Paths(r.file().Path) }

// Check finds words that no source can hold, and a key that is not the pinned one.
func (r *AptRepository) Check() []kind.Problem {
	var ps kind.Problems
	ps.Name("name", r.Name, sourceName, "name of a source")
	for _, l := range []struct {
		attribute string
		values    []string
		re        *regexp.Regexp
		what      string
	}{
		{"uris", r.URIs, sourceURI, "address of a source"},
		{"suites", r.Suites, sourceWord, "suite"},
		{"components", r.Components, sourceWord, "component"},
	} {
		if len(l.values) == 0 && l.attribute != "components" {
			ps.Add(l.attribute, "Source lacks "+l.attribute, "Expected at least one.")
		}
		for _, v := range l.values {
			ps.Name(l.attribute, v, l.re, l.what)
		}
	}
	path := len(r.Suites) == 1 && strings.HasSuffix(r.Suites[0], "/")
	if path == (len(r.Components) > 0) && len(r.Suites) > 0 {
		ps.Add("components", "Components do not go with the suites", "Expected components for a release by its name, and none for a path that ends with a slash.")
	}
	if have, err := keyFingerprint(r.Key); err != nil {
		ps.Add("key", "Invalid public key", err.Error()+"; expected one key in ASCII armor, as gpg --armor --export writes it.")
	} else if want := strings.ToUpper(strings.ReplaceAll(r.Fingerprint, " ", "")); want != have {
		ps.Add("fingerprint", "Key has another fingerprint", "Found "+have+", expected "+kind.Quoted(want)+". Do not copy the found one here before its owner has confirmed it.")
	}
	return ps
}

func (r *AptRepository) file() *File {
	var b strings.Builder
	line := func(field string, values []string) {
		if len(values) > 0 {
			b.WriteString(field + ": " + strings.Join(values, " ") + "\n")
		}
	}
	line("Types", []string{"deb"})
	line("URIs", r.URIs)
	line("Suites", r.Suites)
	line("Components", r.Components)
	b.WriteString("Signed-By:\n")
	for l := range strings.Lines(strings.TrimSpace(r.Key)) {
		// An empty line would end the paragraph: a dot stands for it.
		if l = strings.TrimSpace(l); l == "" {
			l = "."
		}
		b.WriteString(" " + l + "\n")
	}
	return &File{
		Path: "/etc/apt/sources.list.d/" + r.Name + ".sources", Content: secret.Plain(b.String()), Owner: "root", Group: "root", Mode: "0644",
		Owes: []string{r.lists() + ":reload"},
	}
}

// lists is the name under which fetching the lists is owed.
func (r *AptRepository) lists() string { return "apt-lists-" + r.Name }

// Probe asks for the file, and whether its lists are owed from a run that was cut short.
func (r *AptRepository) Probe(seen probe.Seen) []probe.Query {
	return append(r.file().Probe(seen), kind.Unread(seen, probe.Query{Kind: probe.Owed, Name: r.lists()})...)
}

// Decide writes the file and fetches the lists.
func (r *AptRepository) Decide(seen probe.Seen) (plan.Change, error) {
	c, err := r.file().Decide(seen)
	if err != nil || c.Later != "" {
		return c, err
	}
	owed, ok := seen.OwedTo(r.lists())
	if !ok {
		return kind.Unknown("package lists of " + r.Name), nil
	}
	if len(owed) > 0 && c.Empty() {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "package lists", Have: "owed", Want: "fetched"})
	}
	if len(owed) > 0 || len(c.Actions) > 0 {
		c.Actions = append(c.Actions, act.Action{
			Title:   "fetch the package lists of " + r.Name,
			Shell:   "apt-get -q -o DPkg::Lock::Timeout=300 -o APT::Update::Error-Mode=any update",
			Touches: []probe.Subject{probe.All},
			Pays:    []string{r.lists()},
		})
	}
	return c, nil
}
