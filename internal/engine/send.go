package engine

import (
	"context"
	"fmt"
	"os"
	"time"

	"haprov/internal/act"
)

// slowest is the least speed of a connection, in bytes a second, before a copy is given up.
const slowest = 32 << 10

// send copies the large files of a batch to the host, before the batch itself. What they hold is
// checked there: a file that changed since the decision is refused. Nothing is held in memory.
func (h *host) send(ctx context.Context, batch []batchItem) error {
	for i, b := range batch {
		if b.action.Write == nil || b.action.Write.Blob == nil {
			continue
		}
		w := *b.action.Write
		t := time.Now()
		there, err := h.put(ctx, *w.Blob)
		if err != nil {
			return fmt.Errorf("%s: sending %s: %w", b.address, w.Blob.Path, err)
		}
		h.event(Exchanged{h.name, "send", time.Since(t)})
		blob := *w.Blob
		blob.There, w.Blob = there, &blob
		batch[i].action.Write = &w
	}
	return nil
}

func (h *host) put(ctx context.Context, b act.Blob) (string, error) {
	f, err := os.Open(b.Path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	c, cancel := context.WithTimeout(ctx, h.scaled(time.Minute+time.Duration(b.Size/slowest)*time.Second))
	defer cancel()
	return h.session.Put(c, f, b.Size)
}
