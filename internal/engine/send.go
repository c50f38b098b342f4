package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"haprov/internal/act"
	"haprov/internal/file"
)

// slowest is the least speed of a connection, in bytes a second, before a copy is given up.
const slowest = 32 << 10

// send copies the large files of a batch to the host, before the batch itself. A file that
// changed since the decision is refused: what is sent is digested on the way, and SSH keeps it whole
// from there on. Nothing is held in memory.
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

var errChanged = errors.New("it changed since the plan was made: run again")

func (h *host) put(ctx context.Context, b act.Blob) (string, error) {
	f, info, err := file.Open(b.Path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if info.Size() != b.Size {
		return "", errChanged
	}
	c, cancel := h.within(ctx, time.Minute+sending(int(b.Size)))
	defer cancel()
	sum := sha256.New()
	there, err := h.session.Put(c, io.TeeReader(f, sum), b.Size)
	if err == nil && hex.EncodeToString(sum.Sum(nil)) != b.SHA256 {
		err = errChanged
	}
	return there, err
}
