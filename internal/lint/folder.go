package lint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"sort"
	"strings"
	"time"

	"haprov/internal/file"
)

// Bounds of a folder: somebody else may have packed it.
const (
	maxFiles  = 4096    // that are read
	maxNames  = 1 << 16 // that there are
	maxLevels = 8
	maxFile   = 4 << 20
	maxAll    = 64 << 20
	maxHosts  = 64
)

// ErrFolder: the folder holds nothing that lint reads. The text says what was expected.
var ErrFolder = errors.New("nothing to judge")

// FromFolder reads a collected folder: a folder, or an answer of the collector (NAME.facts), for each
// host; or one host's files directly. Files are known by their names, wherever they lie below the host's
// folder. Links are not followed out of it. Of what lies beside hosts' folders only what tells of the
// whole cluster is used: cib.xml, crm_mon.xml, fence-history.xml, crm_verify.txt.
//
// Errors: ErrFolder, and the system's for the folder itself. A file that cannot be read is a fact.
func FromFolder(dir string, now time.Time) (*Facts, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	names, err := list(root)
	if err != nil {
		return nil, err
	}
	f := &Facts{From: dir, Now: now}
	items := map[string][]item{}
	total, files := 0, 0
	for _, n := range names {
		host, rest, below := strings.Cut(n, "/")
		if base, ok := strings.CutSuffix(n, ".facts"); ok && !below {
			host = base
		} else if !below {
			host, rest = "", n
		}
		if _, ok := sourceOf(rest); !ok && !strings.HasSuffix(n, ".facts") {
			f.Unused = append(f.Unused, n)
			continue
		}
		if files++; files > maxFiles {
			return nil, fmt.Errorf("%s: more than %d files with names that lint knows: %w", dir, maxFiles, ErrFolder)
		}
		limit := int64(maxFile)
		if strings.HasSuffix(n, ".facts") {
			limit = MaxBundle
		}
		text, err := file.ReadIn(root, n, limit)
		if total += len(text); total > maxAll {
			return nil, fmt.Errorf("%s: more than %d MiB in it: %w", dir, maxAll>>20, ErrFolder)
		}
		switch {
		case err != nil:
			items[host] = append(items[host], item{rest, reason(err), failed})
		case strings.HasSuffix(n, ".facts"):
			all, err := parseBundle(string(text))
			if err != nil {
				all = []item{{n, err.Error(), failed}}
				f.lost(host, n+": "+err.Error())
			}
			items[host] = append(items[host], all...)
		default:
			items[host] = append(items[host], item{name: rest, text: string(text)})
		}
	}
	hosts := make([]string, 0, len(items))
	for h := range items {
		if h != "" {
			hosts = append(hosts, h)
		}
	}
	sort.Strings(hosts)
	switch {
	case len(items) == 0:
		return nil, fmt.Errorf("%s: no file in it has a name that lint knows, such as corosync.conf or cib.xml (haprov lint --help lists them): %w", dir, ErrFolder)
	case len(hosts) > maxHosts:
		return nil, fmt.Errorf("%s: more than %d hosts: %w", dir, maxHosts, ErrFolder)
	case len(hosts) == 0: // one host's files
		f.add(hostFrom("", items[""]))
	default:
		for _, h := range hosts {
			f.add(hostFrom(h, items[h]))
		}
		f.share(items[""])
	}
	return f, nil
}

// list gives the files below a root in the order of their names.
func list(root *os.Root) (out []string, err error) {
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && name == ".":
			return err
		case err != nil: // a folder that cannot be entered: whatever is in it
			out = append(out, name+"/*")
			return fs.SkipDir
		case d.IsDir() && (strings.Count(name, "/") >= maxLevels || name != "." && strings.HasPrefix(path.Base(name), ".")):
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		if out = append(out, name); len(out) > maxNames {
			return fmt.Errorf("more than %d files in it: %w", maxNames, ErrFolder)
		}
		return nil
	})
	return out, err
}

// reason is an error without the name that it repeats.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// FromAnswers makes facts of what hosts answered to Query, in the order of names. lost says why a host
// could not be asked.
func FromAnswers(from string, names []string, answers, lost map[string]string, now time.Time) *Facts {
	f := &Facts{From: from, Now: now}
	for _, n := range names {
		var items []item
		why, err := lost[n], error(nil)
		if why == "" {
			if items, err = parseBundle(answers[n]); err != nil {
				why = "its answer cannot be read: " + err.Error()
			}
		}
		f.add(hostFrom(n, items))
		if why != "" {
			f.lost(n, why)
		}
	}
	return f
}

// clusterWide are the sources that may lie beside the hosts' folders.
var clusterWide = []string{"cib.xml", "crm_mon.xml", "fence-history.xml", "crm_verify.txt"}

// share gives what lies beside the hosts' folders to those hosts that lack it.
func (f *Facts) share(items []item) {
	for _, x := range items {
		if !slices.Contains(clusterWide, path.Base(x.name)) {
			f.Unused = append(f.Unused, x.name)
			continue
		}
		if all := hostFrom("", []item{x}); len(f.Hosts) > 0 {
			f.Hosts[0].take(all)
		}
	}
	sort.Strings(f.Unused)
}
