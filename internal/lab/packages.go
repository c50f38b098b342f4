package lab

import (
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"haprov/internal/inventory"
	"haprov/internal/lab/archive"
	"haprov/internal/lab/image"
)

// ArchivePort is where each network's gateway hands out Debian's packages that the image lacks.
const ArchivePort = 7411

// packages is the archive for this lab's machines. What it cannot get, the diary tells with the
// reason, which the machines do not learn: it names this machine's own sources.
func (s *supervisor) packages() (*archive.Archive, error) {
	cache, err := image.CacheDir()
	if err != nil {
		return nil, err
	}
	suites, err := suitesOf(s.spec.Image)
	if err != nil {
		return nil, err
	}
	a := archive.New(filepath.Join(cache, "archive"), suites...)
	a.Failed = func(name string, err error) {
		s.diary.note(Event{Kind: "archive", Action: "failed", Text: name + ": " + err.Error()})
	}
	return a, nil
}

// serveArchive answers machines until the listener is closed.
func (s *supervisor) serveArchive(l net.Listener) {
	server := &http.Server{Handler: s.archive, ReadHeaderTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	_ = server.Serve(l) // its end is the lab's
}

// suitesOf are the suites of Debian that an image may be of: all releases, when it is a file, whose system only
// the machine itself knows.
func suitesOf(name string) (suites []string, err error) {
	if i, known := inventory.ImageOf(name); known {
		return []string{i.Suite}, nil
	}
	if !inventory.IsImageFile(name) {
		return nil, fmt.Errorf("there is no image %q", name)
	}
	for _, i := range inventory.Releases() {
		suites = append(suites, i.Suite)
	}
	return suites, nil
}

// aptSources are the files of the host's seed, by path, with what its apt may read: the gateway of
// its first network, and no archive of the world. Of an image that is a file the machine takes the
// one of its own suite (image/prepare/seed).
func (s *supervisor) aptSources(h Host) (map[string]string, error) {
	base := fmt.Sprintf("http://%s:%d", gatewayOf(s.spec.prefix(h.NICs[0].Network)), ArchivePort)
	suites, err := suitesOf(s.spec.Image)
	if err != nil {
		return nil, err
	}
	if !inventory.IsImageFile(s.spec.Image) {
		// After the image's own: the same version comes from there.
		return map[string]string{"etc/apt/sources.list.d/lab-archive.list": s.archive.Lines(base, suites[0])}, nil
	}
	files := map[string]string{}
	for _, suite := range suites {
		files["etc/haprov/apt/"+suite+".list"] = s.archive.Lines(base, suite)
	}
	return files, nil
}
