package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// Bounds of a box: it comes from anywhere.
const (
	maxBoxMeta  = 64 << 10 // bytes of metadata.json
	maxBoxFiles = 100
	maxBoxBytes = 256 << 30 // of all files in it, unpacked
)

// boxMeta is what a box of Vagrant's provider libvirt says of itself (vagrant-libvirt, "Creating
// boxes"): of one disk, or of a list.
type boxMeta struct {
	Provider string `json:"provider"`
	Format   string `json:"format"`
	Disks    []struct {
		Path   string `json:"path"`
		Format string `json:"format"`
	} `json:"disks"`
}

// disk is the name of the box's only disk.
func (m boxMeta) disk() (string, error) {
	if m.Provider != "libvirt" {
		return "", fmt.Errorf("it is a box of Vagrant's provider %.40q: expected libvirt", m.Provider)
	}
	name, format := "box.img", m.Format
	switch len(m.Disks) {
	case 0:
	case 1:
		if name = m.Disks[0].Path; m.Disks[0].Format != "" {
			format = m.Disks[0].Format
		}
	default:
		return "", fmt.Errorf("it has %d disks: expected one", len(m.Disks))
	}
	if format != "" && format != "qcow2" {
		return "", fmt.Errorf("its disk has the format %.40q: expected qcow2", format)
	}
	return path.Clean(name), nil
}

// unbox writes the disk of a .box, a tar that may be packed by gzip, to the file at to. Nothing
// else of the box is written, and no name in it leads anywhere. The files may come in any order.
func unbox(ctx context.Context, box io.Reader, to string) error {
	in := bufio.NewReaderSize(box, 1<<20)
	var plain io.Reader = in
	if head, err := in.Peek(2); err == nil && head[0] == 0x1f && head[1] == 0x8b {
		z, err := gzip.NewReader(in)
		if err != nil {
			return fmt.Errorf("gzip: %w", err)
		}
		defer z.Close()
		plain = z
	}
	var meta *boxMeta
	kept := ""
	t := tar.NewReader(&bounded{ctx: ctx, from: plain, left: maxBoxBytes})
	for files := 0; ; files++ {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("no box, or a damaged one: %w", err)
		}
		if files == maxBoxFiles {
			return fmt.Errorf("it holds more than %d files", maxBoxFiles)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		switch name := path.Clean(h.Name); {
		case name == "metadata.json" && meta == nil:
			if meta, err = readMeta(t, h.Size); err != nil {
				return fmt.Errorf("metadata.json: %w", err)
			}
			if _, err := meta.disk(); err != nil {
				return err
			}
		case isDisk(name, meta):
			if kept != "" {
				return fmt.Errorf("it holds more than one disk: %.80q and %.80q", kept, name)
			}
			kept = name
			// A sparse file in a tar is longer than what is read of the tar.
			if err := keepDisk(&bounded{ctx: ctx, from: t, left: maxBoxBytes}, h.Size, to); err != nil {
				return fmt.Errorf("%.80q: %w", name, err)
			}
		}
	}
	if meta == nil {
		return errors.New("it has no metadata.json: expected a box of Vagrant's provider libvirt")
	}
	want, err := meta.disk()
	if err != nil {
		return err
	}
	if kept != want {
		return fmt.Errorf("it has no disk %.80q", want)
	}
	return nil
}

// isDisk: metadata.json names the disk, but may come after it.
func isDisk(name string, meta *boxMeta) bool {
	if meta != nil {
		want, err := meta.disk()
		return err == nil && name == want
	}
	return name == "box.img" || strings.HasSuffix(name, ".qcow2")
}

func readMeta(r io.Reader, size int64) (*boxMeta, error) {
	if size > maxBoxMeta {
		return nil, fmt.Errorf("%d bytes: expected at most %d", size, maxBoxMeta)
	}
	text, err := io.ReadAll(io.LimitReader(r, maxBoxMeta))
	if err != nil {
		return nil, err
	}
	var m boxMeta
	return &m, json.Unmarshal(text, &m)
}

// keepDisk writes a disk of size bytes that can be started; see checkQcow2.
func keepDisk(r io.Reader, size int64, to string) error {
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := errors.Join(copyHoles(f, r, size), f.Truncate(size)); err != nil {
		return err
	}
	if err := checkQcow2(f); err != nil {
		return err
	}
	return f.Close()
}

// copyHoles copies size bytes to the start of f. Blocks of zeros, which a few bytes of a box can
// stand for, become holes.
func copyHoles(f *os.File, r io.Reader, size int64) error {
	block, zeros := make([]byte, 64<<10), make([]byte, 64<<10)
	for at := int64(0); at < size; {
		part := block[:min(size-at, int64(len(block)))]
		if _, err := io.ReadFull(r, part); err != nil {
			return fmt.Errorf("it ends too early: %w", err)
		}
		if !bytes.Equal(part, zeros[:len(part)]) {
			if _, err := f.WriteAt(part, at); err != nil {
				return err
			}
		}
		at += int64(len(part))
	}
	return nil
}

// bounded reads until ctx ends, and not more than left bytes.
type bounded struct {
	ctx  context.Context
	from io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if b.left <= 0 {
		return 0, fmt.Errorf("more than %d bytes unpacked", int64(maxBoxBytes))
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
