// Package archive hands Debian's packages on to a lab's machines, as this machine's own apt gets
// them: with its proxies, certificates and passwords, of which the machines learn nothing.
//
// It is a cache that fills itself: what Debian never changes (packages, indexes by their digest) is
// fetched once, the rest anew each time, or given as it was the last time when the archive cannot be
// reached. It checks no signature; the machines' own apt does. It must not know labs or networks.
package archive

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Archive is suites of Debian as machines see them. It is an http.Handler.
type Archive struct {
	// Failed is told what could not be fetched, and why; nil: nobody is.
	Failed func(name string, err error)

	sources []Source
	dir     string
	fetch   func(ctx context.Context, uri, to string) error
	slots   chan struct{}

	mu   sync.Mutex
	busy map[string]chan struct{} // by file: held while it is being fetched
}

// New gives the archive of some suites; dir keeps what was fetched, and may be shared.
func New(dir string, suites ...string) *Archive {
	var all []Source
	for _, s := range suites {
		all = append(all, Of(s)...)
	}
	return newArchive(all, dir, byApt)
}

// atOnce is how many files are fetched at the same time, for all machines together.
const atOnce = 4

func newArchive(sources []Source, dir string, fetch func(context.Context, string, string) error) *Archive {
	return &Archive{sources: sources, dir: dir, fetch: fetch, slots: make(chan struct{}, atOnce), busy: map[string]chan struct{}{}}
}

// Lines are apt's sources of a suite for a machine that finds this archive at base, such as
// http://192.168.56.1:7411. They name none of this machine's own sources.
func (a *Archive) Lines(base, suite string) string {
	var b strings.Builder
	for i, s := range a.sources {
		if of, _ := splitSuite(s.suite); of != suite {
			continue
		}
		// How old an archive may be is for this machine to say, which chose it.
		fmt.Fprintf(&b, "deb [signed-by=%s check-valid-until=no] %s/%d %s %s\n", Keyring, base, i, s.suite, strings.Join(s.components, " "))
	}
	return b.String()
}

// asked is what a machine may ask for: files of an archive, below the two folders that it has.
var asked = regexp.MustCompile(`^/([0-9]{1,2})/((?:dists|pool)/[A-Za-z0-9][A-Za-z0-9.+~_:%/-]{0,300})$`)

// ServeHTTP gives one file: 404 for what no archive has, 502 for what could not be fetched.
func (a *Archive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := asked.FindStringSubmatch(r.URL.Path)
	if (r.Method != http.MethodGet && r.Method != http.MethodHead) || m == nil || path.Clean(m[2]) != m[2] {
		http.NotFound(w, r)
		return
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n >= len(a.sources) {
		http.NotFound(w, r)
		return
	}
	file, err := a.file(r.Context(), a.sources[n], m[2])
	if err != nil {
		if a.Failed != nil {
			a.Failed(m[2], err)
		}
		http.Error(w, "the lab could not fetch "+m[2], http.StatusBadGateway)
		return
	}
	http.ServeFile(w, r, file)
}

// file is the path of an archive's file in the cache, fetched when it must be. One fetches, whoever
// wants the same file waits.
func (a *Archive) file(ctx context.Context, s Source, name string) (string, error) {
	uri := strings.TrimSuffix(s.uri, "/") + "/" + name
	to := filepath.Join(a.dir, fmt.Sprintf("%x", sha256.Sum256([]byte(s.uri)))[:12], filepath.FromSlash(name))
	unlock, err := a.hold(ctx, to)
	if err != nil {
		return "", err
	}
	defer unlock()
	_, missing := os.Stat(to)
	if missing == nil && (strings.HasPrefix(name, "pool/") || strings.Contains(name, "/by-hash/")) {
		return to, nil
	}
	err = a.fetched(ctx, uri, to)
	if err != nil && missing == nil {
		return to, nil // as it was the last time
	}
	return to, err
}

// hold waits until nobody else fetches the file.
func (a *Archive) hold(ctx context.Context, file string) (func(), error) {
	for {
		a.mu.Lock()
		other, taken := a.busy[file]
		if !taken {
			mine := make(chan struct{})
			a.busy[file] = mine
			a.mu.Unlock()
			return func() {
				a.mu.Lock()
				delete(a.busy, file)
				a.mu.Unlock()
				close(mine)
			}, nil
		}
		a.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// fetched puts a file in its place as a whole, or not at all.
func (a *Archive) fetched(ctx context.Context, uri, to string) error {
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(to), ".part-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	part := filepath.Join(temp, "file")
	if err := a.fetch(ctx, uri, part); err != nil {
		return err
	}
	if err := os.Chmod(part, 0o644); err != nil {
		return err
	}
	return os.Rename(part, to)
}

// byApt fetches a file as apt does, with its configuration; it needs no right of its own.
func byApt(ctx context.Context, uri, to string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/usr/lib/apt/apt-helper", "-o", "APT::Sandbox::User=root", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::Retries=1",
		"download-file", uri, to)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("apt-helper: %w: %s", err, strings.TrimSpace(strings.Join(lines[max(0, len(lines)-3):], " | ")))
	}
	return nil
}
