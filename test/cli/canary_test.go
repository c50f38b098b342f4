package cli

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"haprov/internal/cli"
	"haprov/internal/transport/sshtest"
)

// spill is a command that was given secrets and tells everybody: as they are, in the encodings of
// the usual tools, in pieces, on both streams. It asks no program to hold them in its arguments.
const spill = `s=$(cat)
tell() {
	printf '%s\n' "error near: $s"
	printf '%s' "$s" | base64
	printf 'user:%s@host' "$s" | base64 -w 0; echo
	printf 'x%s' "$s" | base64 -w 0 | tr '+/' '-_'; echo
	printf '%s' "$s" | od -An -v -tx1
	printf '%s' "$s" | od -An -v -tx1 | tr -d ' \n' | tr a-f A-F; echo
	printf '%s' "$s" | od -An -v -tx1 | tr -d '\n' | sed 's/^ //; s/ /:/g'; echo
	printf '%s' "$s" | sed 's/%/%25/g; s/"/%22/g; s/ /%20/g; s/</%3c/g; s/>/%3e/g; s/&/%26/g; s,/,%2F,g; s/+/%2b/g; s/\$/%24/g'; echo
	printf '%s' "$s" | sed "s/'/'\\\\''/g"; echo
	printf '%s' "$s" | sed 's/\\/\\\\/g; s/"/\\"/g'; echo
	printf '%s' "$s" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g'; echo
	printf '%s' "$s" | { head -c 20; sleep 0.1; cat; }; echo
}
tell; tell >&2
`

// tellingSudo asks for a password where it is told to, and repeats what it heard.
const tellingSudo = `#!/bin/sh
prompt=
while [ $# -gt 0 ]; do case $1 in -n|-S) shift;; -p) prompt=$2; shift 2;; --) shift; break;; *) break;; esac; done
if [ -n "$prompt" ]; then
	printf %s "$prompt" >&2; read -r word || exit 1
	echo "sudo: heard $word" >&2
	if [ -e WORK/deaf ]; then printf %s "$word" | base64 >&2; exit 1; fi
fi
exec "$@"
`

const leaky = `
cluster "shop" {
  recipe = "leaky"
  inputs = { token = "token-of-the-inventory-0815" }
}
recipe "leaky" {
  input "token" {
    type      = string
    sensitive = true
  }
  on "all" {
    directory "WORK/host" {}
    secret "WORK/host/authkey" { value = secret("corosync", 128) }
    file "WORK/host/key.pem" {
      content = certificate("one").key
      mode    = "0600"
    }
    file "WORK/host/app.cnf" {
      content = "[client]\npassword=${secret("app")}\n"
      mode    = "0600"
    }
    file "WORK/host/fence" {
      content = each.host.fence_passwords["fence-one"]
      mode    = "0600"
    }
    file "WORK/host/motd" { content = "hello\n" }
    command "feed" {
      probe = "test -e WORK/host/fed"
      run   = "umask 077; tee WORK/host/all | sh WORK/spill; test -e WORK/mended && touch WORK/host/fed"
      stdin = "${secret("app")}\n${secret("legacy")}\n${secret("corosync", 128)}\n${each.host.fence_passwords["fence-one"]}\n${input.token}\n${certificate("one").key}"
    }
  }
  check "the secrets are used" {
    on       = "each"
    run      = "sh WORK/spill <WORK/host/all; exit 1"
    deadline = "1s"
  }
}
`

// toldMariadb has no such user, and repeats the statements that would make one.
const toldMariadb = `#!/bin/sh
case "$*" in *"-e "*) printf -- '-\t0\n'; exit 0;; esac
sh WORK/spill
exit 1
`

const database = `
cluster "shop" { recipe = "sql" }
recipe "sql" {
  on "all" {
    mysql_user "app" {
      password = secret("app")
      database = "app"
      place    = "one"
    }
  }
}
`

// No secret of a run leaves the program, though the host that was given them prints all of them: as
// root, by sudo, and by sudo with a password.
func TestNoSecretLeavesTheProgram(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("changes the owner of files")
	}
	for _, way := range []string{"root", "sudo", "sudo with a password"} {
		t.Run(way, func(t *testing.T) {
			c := newCanaries(t, way)
			watch := c.watch(t)
			c.run(t, 12, "up", "--yes", "-v")
			c.run(t, 12, "up", "--yes", "--json")
			c.write(t, "mended", "")
			c.run(t, 12, "up", "--yes") // the check fails
			os.Remove(c.path("host/fed"))
			c.write(t, "host/motd", "hello\n"+c.known()[0]+"\n") // a diff shows what is there
			c.run(t, 0, "plan")
			c.run(t, 0, "plan", "--json")
			c.run(t, 2, "status")
			c.run(t, 2, "status", "--json")
			c.run(t, 2, "status", "--prometheus", "-")
			c.run(t, 0, "bundle", "--to", c.path("all.tar.gz"))
			c.unpack(t, "all.tar.gz")
			c.run(t, 15, "verify")
			c.run(t, 12, "up", "--yes", "--json", "-v")
			for _, args := range [][]string{{"validate"}, {"graph"}, {"graph", "--mermaid"}, {"inventory"}, {"secret", "list"}} {
				c.run(t, 0, args...)
			}
			c.run(t, 12, "up", "--yes", "-i", "sql.hcl")
			c.run(t, 12, "up", "--yes", "-i", "sql.hcl", "--json")
			if way == "sudo with a password" {
				c.write(t, "deaf", "")
				c.run(t, 12, "plan")
			}
			watch()
			c.judge(t)
		})
	}
}

// canaries is one host, its inventory, and all that was seen outside the program.
type canaries struct {
	dir     string
	adopted []string
	seen    map[string]string // what left, by where
}

func newCanaries(t *testing.T, way string) *canaries {
	c := &canaries{dir: t.TempDir(), seen: map[string]string{}}
	t.Setenv("HAPROV_STATE", c.path("state"))
	t.Chdir(c.dir)
	host := sshtest.New(t)
	host.Env = []string{"PATH=" + c.path("bin") + ":" + os.Getenv("PATH")}
	ssh := fmt.Sprintf("user = %q\nport = %d\nkeys = [%q]\nknown_hosts = [%q]\nonly_known = true\n", host.User, host.Port, host.KeyFile, host.KnownHosts)
	if way != "root" {
		ssh += "sudo = true\n"
	}
	if way == "sudo with a password" {
		ssh += "sudo_password = secret(\"sudo\")\n"
	}
	one := fmt.Sprintf("ssh {\n%s}\nhost \"one\" {\n  address = %q\n  fence \"fence_ipmilan\" { options = { ip = \"192.0.2.9\", username = \"ha\", password = secret(\"ipmi\") } }\n}\n", ssh, host.Host)
	c.write(t, "haprov.hcl", one+leaky)
	c.write(t, "sql.hcl", one+database)
	c.write(t, "bin/mariadb", toldMariadb)
	c.write(t, "spill", spill)
	c.write(t, "bin/sudo", tellingSudo)
	for name, value := range map[string]string{"ipmi": "calvin-and-hobbes", "legacy": `L3g"acy's <se&cret>/+\ $x%`, "sudo": "open sesame, please"} {
		if name == "sudo" && way != "sudo with a password" {
			continue
		}
		c.adopted = append(c.adopted, value)
		c.give(t, 0, value+"\n", "secret", "adopt", name)
	}
	return c
}

func (c *canaries) path(name string) string { return filepath.Join(c.dir, name) }

// write makes a file; WORK in it is the test's folder.
func (c *canaries) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(c.path(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.path(name), []byte(strings.ReplaceAll(text, "WORK", c.dir)), 0o700); err != nil {
		t.Fatal(err)
	}
}

func (c *canaries) run(t *testing.T, want int, args ...string) {
	t.Helper()
	c.give(t, want, "", args...)
}

// give runs a command. All tests share this machine's lock, so one that is held is waited for.
func (c *canaries) give(t *testing.T, want int, stdin string, args ...string) {
	t.Helper()
	const locked = 13
	for begun := time.Now(); ; {
		var out, errs bytes.Buffer
		code := cli.Main(args, strings.NewReader(stdin), &out, &errs)
		if code == locked && time.Since(begun) < time.Minute {
			continue
		}
		what := fmt.Sprintf("%d: haprov %s: ", len(c.seen), strings.Join(args, " "))
		c.seen[what+"stdout"], c.seen[what+"stderr"] = out.String(), errs.String()
		if code != want {
			t.Fatalf("haprov %s: exit %d, want %d\n%s%s", strings.Join(args, " "), code, want, &out, &errs)
		}
		return
	}
}

// unpack adds what is in a bundle to what left the program.
func (c *canaries) unpack(t *testing.T, name string) {
	t.Helper()
	f, err := os.Open(c.path(name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for r := tar.NewReader(zip); ; n++ {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		c.seen["bundle: "+h.Name] = string(text)
	}
	for _, want := range []string{"all/README", "all/inventory.json", "all/shop/status.json", "all/shop/hosts/one.facts", "all/shop/system/one.txt"} {
		if c.seen["bundle: "+want] == "" {
			t.Errorf("the bundle has no %s", want)
		}
	}
}

// known are the secrets: those that were given, and what stands in the store.
func (c *canaries) known() []string {
	all := append([]string{"token-of-the-inventory-0815"}, c.adopted...)
	files, _ := filepath.Glob(c.path("state/secrets/*/*"))
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		if filepath.Base(f) == "app" { // what the database keeps of it
			one := sha1.Sum(text)
			two := sha1.Sum(one[:])
			all = append(all, strings.ToUpper(hex.EncodeToString(two[:])))
		}
		_, key, _ := strings.Cut(string(text), "-----END CERTIFICATE-----")
		if key == "" {
			key = string(text)
		}
		if before, after, pem := strings.Cut(key, "-----BEGIN PRIVATE KEY-----\n"); pem {
			// The 32 bytes from the 36th on are the number that nobody may know, over two lines; the
			// public key comes after them.
			lines := strings.Split(after, "\n")
			key = before + lines[0][36*4/3:] + "\n" + lines[1][:(36+32)*4/3-64] + "\n"
		}
		for line := range strings.Lines(key) {
			if line = strings.TrimSpace(line); line != "" && !slices.Contains(all, line) {
				all = append(all, line)
			}
		}
	}
	return all
}

// watch looks at the arguments of all processes until its end is asked for.
func (c *canaries) watch(t *testing.T) (end func()) {
	stop := make(chan struct{})
	var all sync.WaitGroup
	seen := map[string]bool{}
	all.Go(func() {
		pace := time.NewTicker(time.Millisecond)
		defer pace.Stop()
		for {
			select {
			case <-stop:
				return
			case <-pace.C:
			}
			lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, p := range lines {
				if b, err := os.ReadFile(p); err == nil {
					seen[string(b)] = true
				}
			}
		}
	})
	return func() {
		close(stop)
		all.Wait()
		c.seen["arguments of processes"] = strings.Join(slices.Collect(func(yield func(string) bool) {
			for s := range seen {
				if !yield(s) {
					return
				}
			}
		}), "\n")
		if len(seen) < 10 {
			t.Errorf("only %d processes were seen", len(seen))
		}
	}
}

// judge searches all that left the program, and every file that others may read.
func (c *canaries) judge(t *testing.T) {
	t.Helper()
	masked := 0
	filepath.WalkDir(c.dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(p, ".hcl") {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if b, err := os.ReadFile(p); err == nil && (info.Mode().Perm()&0o077 != 0 || strings.Contains(p, "/journal/")) {
			c.seen["file "+strings.TrimPrefix(p, c.dir)] = string(b)
		}
		return nil
	})
	known := c.known()
	if len(known) < 8 {
		t.Fatalf("only %d secrets", len(known))
	}
	for where, text := range c.seen {
		masked += strings.Count(text, "(sensitive)")
		for _, s := range known {
			if found := leak(s, text); found != "" {
				at := max(0, strings.Index(text, found))
				t.Errorf("%s: %q of the secret %q is left: ...%q...", where, found, s, text[max(0, at-100):min(len(text), at+150)])
				break
			}
		}
	}
	if masked < 100 {
		t.Errorf("only %d times something was masked: was the host heard at all?", masked)
	}
}

var (
	in64  = regexp.MustCompile(`[A-Za-z0-9+/_-]{12,}`)
	inHex = regexp.MustCompile(`[0-9a-fA-F]{2}(?:[: ]?[0-9a-fA-F]{2}){5,}`)
	inURL = regexp.MustCompile(`%[0-9a-fA-F]{2}`)
)

// leak finds a piece of a secret in a text, by undoing what the usual encodings do.
func leak(s, text string) string {
	for _, open := range []string{text, html.UnescapeString(text), strings.ReplaceAll(text, `'\''`, "'"), strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(text),
		inURL.ReplaceAllStringFunc(text, func(x string) string { y, _ := url.PathUnescape(x); return y })} {
		if p := piece(s, open, 12); p != "" {
			return p
		}
	}
	std := strings.NewReplacer("-", "+", "_", "/")
	for _, run := range in64.FindAllString(text, -1) {
		for off := range 4 {
			part := std.Replace(run[off:])
			b, _ := base64.RawStdEncoding.DecodeString(part[:len(part)/4*4])
			if piece(s, string(b), 9) != "" {
				return run
			}
		}
	}
	for _, run := range inHex.FindAllString(text, -1) {
		plain := strings.NewReplacer(":", "", " ", "").Replace(run)
		for off := range 2 {
			b, _ := hex.DecodeString(plain[off : off+(len(plain)-off)/2*2])
			if piece(s, string(b), 6) != "" {
				return run
			}
		}
	}
	return ""
}

// piece is the first n bytes in a row of s that stand in text.
func piece(s, text string, n int) string {
	n = min(n, len(s))
	for i := 0; i+n <= len(s); i++ {
		if strings.Contains(text, s[i:i+n]) {
			return s[i : i+n]
		}
	}
	return ""
}
