package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Stored is an image in the cache.
type Stored struct {
	Digest string    `json:"digest"`
	Bytes  int64     `json:"bytes"` // that it takes on this disk
	Used   time.Time `json:"used"`  // when a lab was last given it
	Labs   []string  `json:"labs"`  // folders of the labs whose machines' disks are differences to it
}

// grace is how long after it was last asked for an image is not pruned: a lab is being made of it.
const grace = time.Hour

// Claim notes that the lab whose file of this name says what it runs on uses the image. The claim
// ends when the file is gone or names another image. It may be repeated.
func Claim(cache, digest, path string) error {
	dir := claims(cache, digest)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	err := os.Symlink(path, filepath.Join(dir, fmt.Sprintf("%x", sha256.Sum256([]byte(path)))[:16]))
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func claims(cache, digest string) string { return filepath.Join(cache, "claims", digest) }

// touch notes that an image was asked for.
func touch(dir string) { now := time.Now(); _ = os.Chtimes(dir, now, now) }

// List gives all whole images of the cache, by digest.
func List(cache string) ([]Stored, error) {
	entries, err := os.ReadDir(filepath.Join(cache, "images"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	all := []Stored{}
	for _, e := range entries {
		if !e.IsDir() || strings.HasSuffix(e.Name(), ".part") {
			continue
		}
		s, err := stored(cache, e.Name())
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// stored is one image of the cache.
func stored(cache, digest string) (Stored, error) {
	s := Stored{Digest: digest, Labs: []string{}}
	dir := filepath.Join(cache, "images", digest)
	info, err := os.Stat(dir)
	if err != nil {
		return s, err
	}
	s.Used = info.ModTime()
	if s.Bytes, err = size(dir); err != nil {
		return s, err
	}
	links, err := os.ReadDir(claims(cache, digest))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	for _, l := range links {
		path, err := os.Readlink(filepath.Join(claims(cache, digest), l.Name()))
		if err != nil {
			return s, err
		}
		text, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && !bytes.Contains(text, []byte(digest)):
		default: // also what cannot be read: it may be another user's
			s.Labs = append(s.Labs, filepath.Dir(path))
		}
	}
	return s, nil
}

// spare tells whether nobody needs the image.
func (s Stored) spare(now time.Time) bool { return len(s.Labs) == 0 && now.Sub(s.Used) >= grace }

// Prune removes the images that no lab uses and that were not asked for within the last hour, and
// gives them. What it removes is made again when a lab needs it.
func Prune(ctx context.Context, cache string, now time.Time) (removed []Stored, err error) {
	all, err := List(cache)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if !s.spare(now) {
			continue
		}
		dir := filepath.Join(cache, "images", s.Digest)
		unlock, err := lock(ctx, dir+".lock")
		if err != nil {
			return removed, err
		}
		// A lab may have been made of it while others were removed.
		if again, err := stored(cache, s.Digest); err != nil || !again.spare(now) {
			unlock()
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return removed, err
			}
			continue
		}
		// Whoever wants it from now on builds it: half removed it has another name.
		gone := dir + ".part"
		err = errors.Join(os.RemoveAll(gone), os.Rename(dir, gone), os.RemoveAll(gone), os.RemoveAll(claims(cache, s.Digest)))
		unlock()
		if err != nil {
			return removed, err
		}
		removed = append(removed, s)
	}
	return removed, nil
}

// size is what the files of a folder take on the disk: images are sparse.
func size(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if s, ok := info.Sys().(*syscall.Stat_t); ok {
			n += s.Blocks * 512
		}
		return nil
	})
	return n, err
}
