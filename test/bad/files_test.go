package bad

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// files are names that lead to something else than a file of a fair size.
func files() (out []bad) {
	things := []struct {
		name, says string
		make       func(t *testing.T, path string)
	}{
		{"FIFO", "is a FIFO", func(t *testing.T, path string) { must(t, syscall.Mkfifo(path, 0o600)) }},
		{"folder", "is a directory", func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o700)) }},
		{"socket", "is a socket", func(t *testing.T, path string) {
			dir, err := os.MkdirTemp("", "") // a socket's name is short
			must(t, err)
			l, err := net.Listen("unix", filepath.Join(dir, "s"))
			must(t, err)
			t.Cleanup(func() { l.Close(); os.RemoveAll(dir) })
			must(t, os.Rename(filepath.Join(dir, "s"), path))
		}},
		{"sparse file of 2 GB", "bytes", func(t *testing.T, path string) {
			must(t, os.WriteFile(path, nil, 0o600))
			must(t, os.Truncate(path, 2<<30))
		}},
		{"sparse file of 8 TB", "bytes", func(t *testing.T, path string) {
			must(t, os.WriteFile(path, nil, 0o600))
			if os.Truncate(path, 8<<40) != nil {
				must(t, os.Truncate(path, 8<<30)) // what this file system can hold
			}
		}},
		{"link to a device", "", func(t *testing.T, path string) { must(t, os.Symlink("/dev/zero", path)) }},
		{"link to itself", "", func(t *testing.T, path string) { must(t, os.Symlink(filepath.Base(path), path)) }},
		{"link out of the folder", "", func(t *testing.T, path string) { must(t, os.Symlink("/etc/hostname", path)) }},
		{"dangling link", "", func(t *testing.T, path string) { must(t, os.Symlink("nowhere", path)) }},
		{"binary file", "", func(t *testing.T, path string) {
			must(t, os.WriteFile(path, []byte("\x7fELF\x00\x00{{ \xff\xfe"), 0o600))
		}},
	}
	for _, as := range []struct{ category, path, step, place string }{
		{"inventory is no file", "haprov.hcl", "", "haprov.hcl"},
		{"recipe is no file", "recipes/r.hcl", "", "haprov.hcl:2:"},
		{"template is no file", "templates/x", `template = "x"`, "haprov.hcl:6:"},
		{"text is no file", "templates/x", `content = file("x")`, "haprov.hcl:6:"},
		{"source is no file", "files/x", `source = "x"`, "haprov.hcl:6:"},
	} {
		for _, th := range things {
			if th.name == "binary file" && as.category == "source is no file" {
				continue // a source may hold anything
			}
			if th.name == "link out of the folder" && as.path == "haprov.hcl" {
				continue // an inventory may be one
			}
			place := as.place
			if th.name == "binary file" && as.path == "recipes/r.hcl" {
				place = "recipes/r.hcl:1:"
			}
			says := []string{place}
			if th.says != "" {
				says = append(says, th.says)
			}
			out = append(out, bad{category: as.category, name: th.name, says: says, build: func(t *testing.T, dir string) {
				text := strings.Replace(string(play("")), "content = ", as.step, 1)
				if as.path == "recipes/r.hcl" {
					text = text[:strings.Index(text, "recipe \"r\"")]
				}
				if as.path != "haprov.hcl" {
					put(t, dir, "haprov.hcl", []byte(text))
				}
				must(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(as.path)), 0o700))
				th.make(t, filepath.Join(dir, as.path))
			}})
		}
	}
	for _, f := range []string{"/dev/zero", "/dev/kmsg", "/dev/tty", "/proc/kmsg", "/proc/self/mem"} {
		out = append(out, bad{category: "devices", name: f, build: nothing, args: []string{"validate", "-i", f}, says: []string{f}})
	}
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
