package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"haprov/internal/act"
	"haprov/internal/budget"
	"haprov/internal/file"
	"haprov/internal/template"
)

// Files reads what an inventory refers to: folders beside it first, then what is shipped. It
// never reads outside of those folders, symbolic links included. Steps that wait for facts read
// templates later, from several goroutines.
type Files struct {
	mu        sync.Mutex
	layers    []layer
	text      map[string][]byte   // by name as shown
	found     map[string]string   // names as shown, by folder and name
	lines     map[string][]string // the same, split when a snippet needs it
	templates map[string]*template.Template
	sources   map[string]string
	blobs     map[string]*act.Blob
	total     int
	meter     *meter
}

type layer struct {
	shown string // how its files are named in messages
	fs    fs.FS
	root  *os.Root // beside the inventory; nil: shipped
}

// read reads one file of at most limit bytes.
func (l layer) read(name string, limit int64) ([]byte, error) {
	if l.root == nil {
		return fs.ReadFile(l.fs, name)
	}
	text, err := file.ReadIn(l.root, name, limit)
	return text, named(name, err)
}

// named says of a file what is wrong with it, without the system call that found it.
func named(name string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("%s: %w", name, pe.Err)
	}
	return err
}

// sources is the folder of files that are copied as they are.
const sources = "files"

// newFiles looks beside the inventory, then in shipped, which may be nil.
func New(dir string, shipped fs.FS) *Files {
	f := &Files{text: map[string][]byte{}, found: map[string]string{}, lines: map[string][]string{}, templates: map[string]*template.Template{}, sources: map[string]string{}, blobs: map[string]*act.Blob{}, meter: &meter{Budget: budget.New()}}
	if dir != "" {
		if root, err := os.OpenRoot(dir); err == nil {
			f.layers = append(f.layers, layer{dir, root.FS(), root})
		}
	}
	if shipped != nil {
		f.layers = append(f.layers, layer{"(shipped)", shipped, nil})
	}
	return f
}

// Unread is why a file that is there is not read.
type Unread struct{ error }

// Find reads folder/name from the first layer that has it.
func (f *Files) Find(folder, name string) (shown string, text []byte, err error) {
	p := path.Join(folder, name)
	if !fs.ValidPath(p) || !strings.HasPrefix(p, folder+"/") {
		return "", nil, fmt.Errorf("%q is outside of the folder %s", name, folder)
	}
	if shown, ok := f.found[p]; ok {
		return shown, f.text[shown], nil
	}
	limit := int64(maxTotal) // less in the end, by what names the line
	if folder == sources {
		limit = large
	}
	for _, l := range f.layers {
		text, err = l.read(p, limit)
		if err == nil {
			shown = l.shown + "/" + p
			if l.root != nil {
				shown = filepath.Join(l.shown, p)
			}
			if folder == sources {
				return shown, text, nil // copied as it is: neither evaluated nor shown
			}
			if f.total += len(text); f.total > maxTotal {
				return "", nil, fmt.Errorf("%s: more than %d bytes in all files together", shown, maxTotal)
			}
			f.text[shown], f.found[p] = text, shown
			return shown, text, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", nil, &Unread{err}
		}
		if l.root != nil {
			if _, err := l.root.Lstat(p); err == nil {
				return "", nil, &Unread{fmt.Errorf("%s is a link that leads nowhere", p)}
			}
		}
	}
	if n := Near(name, f.List(folder)); n != "" {
		return "", nil, fmt.Errorf("there is no %s. Did you mean %q?", p, n)
	}
	return "", nil, fmt.Errorf("there is no %s: it belongs in the folder %s beside the inventory", p, folder)
}

// Read is find for several goroutines.
func (f *Files) Read(folder, name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, text, err := f.Find(folder, name)
	return text, err
}

// Sizes of sources. From large on one is not read but sent from its file; its digest is made while
// loading, which takes a second for 2 GB.
const (
	large   = 1 << 20
	largest = 1 << 30
)

// Blob describes a large source beside the inventory, once for all hosts; nil when it is small.
func (f *Files) Blob(name string) (*act.Blob, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b, ok := f.blobs[name]; ok {
		return b, nil
	}
	p := path.Join(sources, name)
	if !fs.ValidPath(p) || len(f.layers) == 0 || f.layers[0].root == nil {
		return nil, nil
	}
	r, info, err := file.OpenIn(f.layers[0].root, p)
	if err != nil {
		return nil, nil // source says what is wrong
	}
	defer r.Close()
	switch {
	case info.Size() < large:
		return nil, nil
	case info.Size() > largest:
		return nil, fmt.Errorf("%s has %d bytes, at most %d are sent: fetch it on the host", p, info.Size(), int64(largest))
	}
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(r, info.Size()))
	if err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(filepath.Join(f.layers[0].shown, p))
	f.blobs[name] = &act.Blob{Path: abs, Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}
	return f.blobs[name], err
}

// Source reads a file that is copied as it is, once for all hosts.
func (f *Files) Source(name string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s, ok := f.sources[name]; ok {
		return s, nil
	}
	_, text, err := f.Find(sources, name)
	if err == nil {
		f.sources[name] = string(text)
	}
	return f.sources[name], err
}

// List names the files of a folder in all layers.
func (f *Files) List(folder string) (out []string) {
	seen := map[string]bool{}
	for _, l := range f.layers {
		entries, _ := fs.ReadDir(l.fs, folder)
		for _, e := range entries {
			if !e.IsDir() && !seen[e.Name()] {
				seen[e.Name()] = true
				out = append(out, e.Name())
			}
		}
	}
	sort.Strings(out)
	return out
}

// Template reads and parses a template once.
func (f *Files) Template(name string) (*template.Template, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t, ok := f.templates[name]; ok {
		return t, nil
	}
	shown, text, err := f.Find("templates", name)
	if err != nil {
		return nil, err
	}
	t, err := template.Parse(shown, string(text))
	if err != nil {
		return nil, err
	}
	f.templates[name] = t
	return t, nil
}

// Parse guards and parses a file. After a mistake of syntax there is nothing: what the parser
// makes of the rest would only mislead.
func (f *Files) Parse(r *Report, shown string, text []byte) *hclsyntax.Body {
	f.text[shown] = text
	if !guard(r, shown, text) {
		return nil
	}
	parsed, diags := hclsyntax.ParseConfig(bytes.TrimPrefix(text, []byte("\uFEFF")), shown, hcl.InitialPos)
	if diags.HasErrors() {
		r.syntax(diags)
		return nil
	}
	body := parsed.Body.(*hclsyntax.Body)
	f.meter.body(body)
	return body
}

// line is a line of a file that was read, for a snippet.
func (f *Files) line(name string, n int) string {
	l, ok := f.lines[name]
	if !ok {
		l = strings.Split(string(bytes.ToValidUTF8(f.text[name], []byte("\uFFFD"))), "\n")
		f.lines[name] = l
	}
	if n < 1 || n > len(l) {
		return ""
	}
	return strings.TrimRight(l[n-1], "\r")
}

// Budget is what one load may spend.
func (f *Files) Budget() *budget.Budget { return f.meter.Budget }

// readFile reads an inventory. One that is a little too large is read, so that the line can be named.
func Read(path string) ([]byte, error) {
	text, err := file.Read(path, maxTotal)
	return text, named(path, err)
}
