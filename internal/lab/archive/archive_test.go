package archive

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// far is an archive of the world that counts what is asked of it.
type far struct {
	asked atomic.Int32
	down  atomic.Bool
	last  atomic.Value
}

func (f *far) fetch(_ context.Context, uri, to string) error {
	f.asked.Add(1)
	f.last.Store(uri)
	if f.down.Load() {
		return errors.New("no route to host")
	}
	return os.WriteFile(to, []byte("what "+uri+" holds"), 0o600)
}

func near(t *testing.T) (*Archive, *far) {
	t.Helper()
	f := &far{}
	sources := []Source{{uri: "http://mirror.test/debian", suite: "bookworm", components: []string{"main"}},
		{uri: "http://mirror.test/debian-security/", suite: "bookworm-security", components: []string{"main"}}}
	return newArchive(sources, t.TempDir(), f.fetch), f
}

func get(a *Archive, name string) (int, string) {
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest("GET", "http://192.168.56.1:7411"+name, nil))
	return w.Code, w.Body.String()
}

func TestAMachinesSourcesNameTheLabAndNoMirror(t *testing.T) {
	a, _ := near(t)
	want := "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg check-valid-until=no] http://192.168.56.1:7411/0 bookworm main\n" +
		"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg check-valid-until=no] http://192.168.56.1:7411/1 bookworm-security main\n"
	if got := a.Lines("http://192.168.56.1:7411", "bookworm"); got != want {
		t.Errorf("%s\nwant:\n%s", got, want)
	}
	if got := a.Lines("http://192.168.56.1:7411", "trixie"); got != "" {
		t.Errorf("of a suite that it has not: %s", got)
	}
}

func TestWhatNeverChangesIsFetchedOnce(t *testing.T) {
	a, f := near(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if code, text := get(a, "/0/pool/main/n/nginx/nginx_1.22.1-9%2Bdeb12u1_amd64.deb"); code != 200 || !strings.HasSuffix(text, "/debian/pool/main/n/nginx/nginx_1.22.1-9+deb12u1_amd64.deb holds") {
				t.Errorf("%d %s", code, text)
			}
		})
	}
	all.Wait()
	if n := f.asked.Load(); n != 1 {
		t.Errorf("fetched %d times", n)
	}
	get(a, "/1/dists/bookworm-security/InRelease")
	get(a, "/1/dists/bookworm-security/InRelease")
	if n := f.asked.Load(); n != 3 || f.last.Load() != "http://mirror.test/debian-security/dists/bookworm-security/InRelease" {
		t.Errorf("what may change: fetched %d times, %v", n-1, f.last.Load())
	}
}

func TestWithoutTheArchiveWhatIsThereIsGiven(t *testing.T) {
	a, f := near(t)
	get(a, "/0/dists/bookworm/InRelease")
	f.down.Store(true)
	if code, _ := get(a, "/0/dists/bookworm/InRelease"); code != 200 {
		t.Errorf("an index that was fetched before: %d", code)
	}
	var told string
	a.Failed = func(name string, err error) { told = name + ": " + err.Error() }
	code, text := get(a, "/0/pool/main/n/nginx/nginx_1_amd64.deb")
	if code != 502 || strings.Contains(text, "mirror.test") || told != "pool/main/n/nginx/nginx_1_amd64.deb: no route to host" {
		t.Errorf("%d %q, told %q", code, text, told)
	}
}

func TestOnlyAnArchivesFilesAreGiven(t *testing.T) {
	a, f := near(t)
	for _, name := range []string{"/", "/0/", "/0/etc/passwd", "/2/pool/x", "/99/pool/x", "/0/pool/../../../etc/passwd", "/0/pool/a/../../x",
		"/0/pool//x", "/0/pool/x/", "/0/pool/a%00b", "/0/pool/a%0ab", "/0/pool/.part-1/x", "/0/pool/" + strings.Repeat("x", 400)} {
		if code, _ := get(a, name); code != 404 {
			t.Errorf("%s: %d", name, code)
		}
	}
	if n := f.asked.Load(); n != 0 {
		t.Errorf("%d of them were asked for", n)
	}
}
