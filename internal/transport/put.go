package transport

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"github.com/pkg/sftp"
)

func (s *session) Put(ctx context.Context, r io.Reader, size int64) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if why := s.reason(); why != nil {
		return "", fail(ErrLost, why, "")
	}
	if _, bounded := ctx.Deadline(); !bounded {
		var done context.CancelFunc
		ctx, done = context.WithTimeoutCause(ctx, longest+time.Duration(size>>15)*time.Second, fail(ErrLost, nil, "the copy was not done in time"))
		defer done()
	}
	stop := context.AfterFunc(ctx, func() { s.kill(context.Cause(ctx)) })
	defer stop()
	s.allow(idle + size/16) // a short answer to each 32 KiB
	defer s.allow(idle)
	file, err := s.put(r, size)
	switch why := s.reason(); {
	case err != nil && why != nil:
		err = why
	case err != nil && s.wire.flooded.Load():
		err = fail(ErrTooLarge, errFlood, "")
	}
	return file, plainly(err)
}

func (s *session) put(r io.Reader, size int64) (string, error) {
	if s.sftp == nil {
		c, err := sftp.NewClient(s.client, sftp.UseConcurrentWrites(true))
		if err != nil {
			return "", fmt.Errorf("sftp: %w (the host's sshd needs its sftp subsystem: Subsystem sftp in sshd_config)", err)
		}
		s.mu.Lock()
		s.sftp = c
		s.mu.Unlock()
	}
	var id [16]byte
	rand.Read(id[:])
	dir := strings.TrimSuffix(PutGlob, "*") + hex.EncodeToString(id[:])
	// Mkdir fails when the name exists, and is empty until its mode is right.
	if err := s.sftp.Mkdir(dir); err != nil {
		return "", fmt.Errorf("sftp: make %s: %w", dir, err)
	}
	s.mu.Lock()
	s.puts = append(s.puts, dir)
	s.mu.Unlock()
	if err := s.sftp.Chmod(dir, 0o700); err != nil {
		return "", fmt.Errorf("sftp: %s: %w", dir, err)
	}
	file := path.Join(dir, "file")
	f, err := s.sftp.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return "", fmt.Errorf("sftp: %s: %w", file, err)
	}
	err = f.Chmod(0o600)
	var n int64
	if err == nil {
		n, err = f.ReadFromWithConcurrency(io.LimitReader(r, size+1), 64)
	}
	err = errors.Join(err, f.Close())
	if err == nil && n != size {
		err = fmt.Errorf("source has %d bytes, expected %d", n, size)
	}
	if err != nil {
		s.sftp.Remove(file)
		return "", fmt.Errorf("sftp: %s: %w", file, err)
	}
	return file, nil
}

// sweep removes what is left of Put, in a short time: Close must not hang on a dead link.
func (s *session) sweep() {
	s.mu.Lock()
	c, dirs := s.sftp, s.puts
	s.puts = nil
	s.mu.Unlock()
	if len(dirs) == 0 {
		return
	}
	late := time.AfterFunc(3*time.Second, func() { s.wire.Close() })
	defer late.Stop()
	for _, dir := range dirs {
		c.Remove(path.Join(dir, "file"))
		c.RemoveDirectory(dir)
	}
}
