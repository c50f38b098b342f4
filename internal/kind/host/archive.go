package host

import (
	"cmp"
	_ "embed" // the scripts
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
	"haprov/internal/shell"
)

var ArchiveSpec = kind.Spec{
	Name:    "archive",
	Summary: "A tar or zip archive, unpacked into a folder. Files there that no archive brought are neither replaced nor removed.",
	Example: `archive "/opt/exporter" {
  url    = "https://downloads.example.org/exporter-1.2.tar.gz"
  sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
  strip  = 1
}
`,
	New: func() any { return &Archive{} },
}

// Archive is what one archive holds, in a folder that others may have files in, too. The format is told
// by its first bytes: tar as it is or packed by gzip, bzip2, xz or zstd, or zip. Nothing in it may reach
// out of the folder: unpacked is into a new folder, by the owner of the files, and a link that leads out
// is refused like a device. Files are readable by all, and executable where the archive says so: whom the
// folder lets in is for a directory step. A list on the host has the digest and each file's owner, mode, size and time
// of change: what differs from it is unpacked again. Source is for the decoder alone.
type Archive struct {
	Path   string      `hcl:"path,label" about:"Folder on the host, created when missing"`
	Source string      `hcl:"source,optional" about:"Archive below files/ beside the inventory"`
	URL    string      `hcl:"url,optional" about:"Where the host fetches the archive from, by http or https"`
	SHA256 string      `hcl:"sha256,optional" about:"Digest of what url gives, in hexadecimal digits"`
	Strip  int         `hcl:"strip,optional" about:"How many folders around everything else are left out, such as name-1.2/"`
	Owner  string      `hcl:"owner,optional" default:"root" about:"Owner of the folder and the files, by name"`
	Group  string      `hcl:"group,optional" default:"root" about:"Group by name"`
	Limit  int64       `hcl:"limit,optional" unit:"bytes" about:"Most that the archive may have, and that it may unpack to; 1 GiB when omitted"`
	Owes   []string    `hcl:"owes,optional" about:"Restarts and reloads that a change makes necessary: unit:restart or unit:reload"`
	Packed secret.Text // what Source is
	Blob   *act.Blob   // when it is large
}

//go:embed script/archive_unpack.sh
var archiveUnpack string

//go:embed script/archive_place.sh
var archivePlace string

var hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Owns is what was unpacked into the folder; other steps may have files and the folder itself.
func (a *Archive) Owns(_ string) []kind.Thing {
	return []kind.Thing{{What: "archive in " + a.Path}}
}

// Check finds bad paths, and an archive that is said twice or not at all.
func (a *Archive) Check() []kind.Problem {
	var ps kind.Problems
	ps.Path("path", a.Path)
	if a.Path == "/" {
		ps.Add("path", "Root folder is the system's", "Name a folder below it.")
	}
	ps.Owners(a.Owner, a.Group)
	ps.Owes(a.Owes)
	if (a.Source == "") == (a.URL == "") {
		ps.Add("", "Expected either source or url", "An archive is a file below files/ beside the inventory, or is fetched by the host.")
	}
	if a.URL != "" {
		if u, err := url.Parse(a.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.ContainsAny(a.URL, " \t'\"") {
			ps.Add("url", "Invalid address of an archive", "Found "+kind.Quoted(a.URL)+"; expected http://HOST/PATH or https://HOST/PATH.")
		}
		ps.Name("sha256", a.SHA256, hexDigest, "SHA-256 digest in small hexadecimal digits")
	}
	if a.URL == "" && a.SHA256 != "" {
		ps.Add("sha256", "Digest without url", "The digest of source is that of the file.")
	}
	if a.Strip < 0 || a.Strip > 9 {
		ps.Add("strip", "Number out of range", "Found "+strconv.Itoa(a.Strip)+"; expected 0 to 9.")
	}
	if a.Limit < 0 || a.Limit > 1<<40 {
		ps.Add("limit", "Size out of range", "Expected up to 1 TiB.")
	}
	return ps
}

func (a *Archive) sum() string { return cmp.Or(a.SHA256, a.packed().sum()) }

// state is where the host keeps the list of what was unpacked, for root alone.
func (a *Archive) state() string { return "/var/lib/haprov/archive/" + kind.Digest(a.Path)[:16] }

// packed is the archive itself on the host, until it is unpacked.
func (a *Archive) packed() *File {
	return &File{Path: a.state() + "/packed", Content: a.Packed, Blob: a.Blob, Owner: "root", Group: "root", Mode: "0600"}
}

func (a *Archive) folder() *Directory {
	return &Directory{Path: a.Path, Owner: a.Owner, Group: a.Group}
}

// head is the list's first line.
func (a *Archive) head() string {
	return "sha256 " + a.sum() + " strip " + strconv.Itoa(a.Strip) + " owner " + a.Owner + ":" + a.Group
}

// listed is the format of the list's lines, for stat(1).
const listed = "%f %Y %s %U:%G %n"

// query asks for the list's first line, then for what differs from the others.
func (a *Archive) query() probe.Query {
	l := shell.Quote(a.state() + "/list")
	q := probe.Cmd("archive in "+a.Path, "head -n 1 -- "+l+" 2>/dev/null || exit 1\ncd -- "+shell.Quote(a.Path)+` 2>/dev/null || { echo '< . . . . all of it'; exit 0; }
{ head -n 1 -- `+l+"; tail -n +2 -- "+l+` | cut -d ' ' -f 5- | tr '\n' '\0' | xargs -0 -r stat -c '`+listed+"' --; } 2>/dev/null | diff -a -- "+l+" - | head -c 60000", probe.All)
	q.Timeout, q.Max = time.Minute, 64<<10
	return q
}

// Probe asks for the folder, and for what is in it of an archive.
func (a *Archive) Probe(seen probe.Seen) []probe.Query {
	return append(kind.Unread(seen, a.query()), a.folder().Probe(seen)...)
}

// Decide unpacks another archive, or the same again where its files have changed.
func (a *Archive) Decide(seen probe.Seen) (plan.Change, error) {
	said := seen.Get(a.query())
	if said.State != probe.Answered {
		return kind.Unknown("the archive in " + a.Path), nil
	}
	if a.Source != "" && a.Packed.Empty() && a.Blob == nil {
		return plan.Change{}, fmt.Errorf("%s: nothing was made of %s", a.Path, a.Source)
	}
	c, err := a.folder().Decide(seen)
	if err != nil || c.Later != "" {
		return c, err
	}
	head, changed, _ := strings.Cut(said.Out, "\n")
	if said.Exit != 0 {
		head = ""
	}
	switch differ := differing(changed); {
	case head != a.head():
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "archive", Have: head, Want: a.head()})
	case len(differ) > 0:
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "files", Have: fmt.Sprintf("%d changed or missing: %s", len(differ), strings.Join(differ[:min(5, len(differ))], ", ")), Want: "as in the archive"})
	default:
		return c, nil
	}
	c.Actions = append(c.Actions, act.Action{Title: "create directory " + a.state(), Shell: shell.Join("mkdir", "-p", "-m", "0700", "--", a.state())}, a.bring(), a.unpack())
	return c, nil
}

// differing are the paths of the list's lines that the host would write otherwise.
func differing(diff string) (out []string) {
	for l := range strings.Lines(diff) {
		if f := strings.SplitN(strings.TrimSuffix(l, "\n"), " ", 6); f[0] == "<" && len(f) == 6 {
			out = append(out, f[5])
		}
	}
	return out
}

func (a *Archive) limit() int64 { return cmp.Or(a.Limit, 1<<30) }

// bring puts the archive on the host. apt fetches by its own user's rights, and compares the digest;
// what is unpacked is compared again, out of that user's reach.
func (a *Archive) bring() act.Action {
	s := shell.Quote(a.state())
	if a.URL == "" {
		f := a.packed()
		return act.Action{Title: "send the archive for " + a.Path, Write: &act.File{Path: f.Path, Owner: f.Owner, Group: f.Group, Mode: f.Mode, Content: f.Content, Blob: f.Blob}}
	}
	return act.Action{
		Title: "fetch " + a.URL,
		Shell: "s=" + s + `
umask 077
t=$(mktemp -d /var/tmp/haprov-archive.XXXXXX)
trap 'rm -rf -- "$t"' EXIT
chown _apt -- "$t" 2>/dev/null || :
ulimit -f ` + strconv.FormatInt(a.limit()/512+1, 10) + `
/usr/lib/apt/apt-helper -q -o Acquire::Retries=2 download-file ` + shell.Join(a.URL) + ` "$t/packed" ` + "SHA256:" + a.SHA256 + `
cat -- "$t/packed" >"$s/packed"
echo "` + a.SHA256 + `  $s/packed" | sha256sum -c --quiet -`,
		Timeout: time.Hour,
	}
}

// unpack does all with files that others can reach by the rights of the files' owner. What it is about to
// replace or bring is kept in pending, so that a run which was cut short finds its own files.
func (a *Archive) unpack() act.Action {
	as := shell.Join("runuser", "-u", a.Owner, "-g", a.Group, "--", "sh", "-c")
	d := shell.Quote(a.Path)
	return act.Action{
		Title: "unpack the archive into " + a.Path,
		Shell: "s=" + shell.Quote(a.state()) + `
export LC_ALL=C
umask 077
{ tail -n +2 -- "$s/list" | cut -d ' ' -f 5-; cat -- "$s/pending"; } 2>/dev/null | sort -u >"$s/may"
` + as + " " + shell.Quote(archiveUnpack) + " unpack " + d + " " + strconv.FormatInt(a.limit(), 10) + " " + strconv.Itoa(a.Strip) + ` <"$s/packed" 3<"$s/may" >"$s/paths"
sort -u -- "$s/may" "$s/paths" >"$s/pending.new"
mv -- "$s/pending.new" "$s/pending"
{ echo ` + shell.Quote(a.head()) + `; ` + as + " " + shell.Quote(archivePlace) + " place " + d + ` <"$s/may"; } >"$s/list.new"
sync -- "$s/list.new"
mv -- "$s/list.new" "$s/list"
rm -f -- "$s/packed" "$s/pending" "$s/may" "$s/paths"`,
		Touches: []probe.Subject{probe.All},
		Owes:    kind.OwedAll(a.Owes),
		Timeout: time.Hour,
	}
}
