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
	system, known := inventory.ImageOf(s.spec.Image)
	if !known {
		return nil, fmt.Errorf("there is no image %q", s.spec.Image)
	}
	a := archive.New(system.Suite, filepath.Join(cache, "archive"))
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

// aptSources names the gateway of the host's first network, and no archive of the world.
func (s *supervisor) aptSources(h Host) string {
	return s.archive.Lines(fmt.Sprintf("http://%s:%d", gatewayOf(s.spec.prefix(h.NICs[0].Network)), ArchivePort))
}
