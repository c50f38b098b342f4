// Package bad holds bad inputs of every kind. Each is given to the real program in a process of
// its own, which must end in time and in little memory, with the documented exit code and the
// place of the mistake, and must never panic or show a secret.
//
// A case is testdata/CATEGORY/NAME.txtar, or a row of made (for what is large or no plain file),
// or a file of internal/config/testdata/bad, whose category is the number in its name.
package bad

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"haprov/internal/cli"
)

// Bounds of one process. The time is that of the processor. Other work stretches that too, by shared
// caches and cores, so what took longer is measured again with no other case beside it; what waits for
// something is ended after maxWait. The race detector multiplies all of them.
const (
	maxTime   = 10 * time.Second
	maxWait   = 4 * time.Minute
	maxMemory = 512 << 20
)

// canary is the secret of cases that hold one; it must not be printed.
const canary = "c4n4ry-secret"

// asMain tells the test's own binary to be the program.
const asMain = "HAPROV_BAD_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// bad is one case: a folder that build fills, a command, and what must come out of it.
type bad struct {
	category, name string
	build          func(t *testing.T, dir string)
	args           []string // validate when empty
	exit           int      // 10 when 0
	says           []string // texts that must be printed: "haprov.hcl:3", "Unknown role"
}

// TestBadInputsEndWellSaid runs every case and prints how many there are of each category.
func TestBadInputsEndWellSaid(t *testing.T) {
	cases := slices.Concat(archives(t), made(), bombs(), shapes(), templates(), files(), rows(), commands(), config(t))
	count := map[string]int{}
	for _, c := range cases {
		count[c.category]++
	}
	for _, n := range sortedKeys(count) {
		t.Logf("%4d  %s", count[n], n)
	}
	t.Logf("%4d  in %d categories", len(cases), len(count))
	if len(cases) < 150 || len(count) < 25 {
		t.Errorf("%d cases in %d categories; at least 150 in 25 are wanted", len(cases), len(count))
	}
	var most peak
	var again []bad
	var mu sync.Mutex
	t.Run("all", func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.category+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				if !c.run(t, &most) {
					mu.Lock()
					defer mu.Unlock()
					again = append(again, c)
				}
			})
		}
	})
	for _, c := range again {
		t.Run("alone/"+c.category+"/"+c.name, func(t *testing.T) {
			if !c.run(t, &most) {
				t.Errorf("takes more than %s of the processor", maxTime)
			}
		})
	}
	t.Logf("most memory: %d MiB (%s); longest: %s (%s)", most.memory>>20, most.large, most.time.Round(time.Millisecond), most.long)
}

// run tells whether the case stayed below maxTime.
func (c bad) run(t *testing.T, most *peak) bool {
	dir := t.TempDir()
	c.build(t, dir)
	args := c.args
	if len(args) == 0 {
		args = []string{"validate"}
	}
	limit := maxWait
	if race {
		limit *= 5
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), asMain+"=1", "HAPROV_STATE="+filepath.Join(dir, "state"), "HOME="+dir, "TERM=dumb")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("did not end in %s\n%.2000s", limit, &out)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	memory := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	took := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	most.note(c.category+"/"+c.name, memory, took)
	if !race && memory > maxMemory {
		t.Errorf("took %d MiB", memory>>20)
	}
	if testing.Verbose() {
		t.Logf("%d MiB, %s", memory>>20, took.Round(time.Millisecond))
	}
	c.judge(t, out.String(), cmd.ProcessState.ExitCode())
	return race || took <= maxTime
}

var crash = regexp.MustCompile(`(?m)^panic: |^fatal error: |^goroutine \d+ \[|runtime error`)

func (c bad) judge(t *testing.T, out string, exit int) {
	want := c.exit
	if want == 0 {
		want = 10
	}
	if exit != want {
		t.Errorf("exit %d, expected %d", exit, want)
	}
	for _, s := range c.says {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), strings.Join(strings.Fields(s), " ")) {
			t.Errorf("%q is not printed", s)
		}
	}
	if crash.MatchString(out) {
		t.Error("it crashed")
	}
	if strings.Contains(out, canary) {
		t.Error("a secret is printed")
	}
	if i := strings.IndexFunc(out, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }); i >= 0 {
		t.Errorf("control character %q is printed", out[i])
	}
	if t.Failed() {
		t.Logf("%.3000s", out)
	}
}

// peak is the most that any case took.
type peak struct {
	mu          sync.Mutex
	memory      int64
	time        time.Duration
	large, long string
}

func (p *peak) note(name string, memory int64, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if memory > p.memory {
		p.memory, p.large = memory, name
	}
	if took > p.time {
		p.time, p.long = took, name
	}
}

var marker = regexp.MustCompile(`# (FILE )?ERROR: ([^#\r\n]+)`)

// marked are the texts that a file's marks ask for: "# ERROR: SUMMARY" on the line of the mistake,
// or "# FILE ERROR: SUMMARY" anywhere for one of the whole file.
func marked(name string, text []byte) (says []string) {
	for i, l := range bytes.Split(text, []byte("\n")) {
		for _, m := range marker.FindAllSubmatch(l, -1) {
			at := "  at " + name
			if len(m[1]) == 0 {
				at += ":" + strconv.Itoa(i+1) + ":"
			}
			says = append(says, at, "error: "+strings.TrimSpace(string(m[2])))
		}
	}
	return says
}

// archives reads testdata/CATEGORY/NAME.txtar. Files in it carry marks; its comment may have lines
// "run ARGUMENT...", "exit CODE" and "says TEXT".
func archives(t *testing.T) (out []bad) {
	files, _ := filepath.Glob("testdata/*/*.txtar")
	for _, f := range files {
		a, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c := bad{category: filepath.Base(filepath.Dir(f)), name: strings.TrimSuffix(filepath.Base(f), ".txtar")}
		for _, l := range strings.Split(string(a.Comment), "\n") {
			word, rest, _ := strings.Cut(l, " ")
			switch word {
			case "run":
				c.args = strings.Fields(rest)
			case "exit":
				c.exit, _ = strconv.Atoi(rest)
			case "says":
				c.says = append(c.says, rest)
			}
		}
		for _, x := range a.Files {
			c.says = append(c.says, marked(x.Name, x.Data)...)
		}
		if len(c.says) == 0 {
			t.Errorf("%s asks for no message", f)
		}
		c.build = func(t *testing.T, dir string) {
			for _, x := range a.Files {
				put(t, dir, x.Name, x.Data)
			}
		}
		out = append(out, c)
	}
	return out
}

// numbers are the categories of package config's files.
var numbers = map[string]string{
	"c01": "empty", "c02": "encodings", "c03": "invisible characters", "c05": "syntax", "c06": "duplicates", "c07": "unknown names",
	"c08": "types", "c09": "ranges", "c10": "addresses", "c11": "names", "c12": "disks", "c13": "roles", "c14": "fencing",
	"c15": "templates", "c16": "quoting", "c17": "secrets", "c18": "mistakes between steps", "c24": "steps", "c25": "many at once", "c26": "drills",
}

// config are the broken files of package config, each in a copy of their folder.
func config(t *testing.T) (out []bad) {
	const folder = "../../internal/config/testdata/bad"
	files, _ := filepath.Glob(folder + "/*.hcl")
	for _, f := range files {
		name := filepath.Base(f)
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c := bad{category: numbers[name[:3]], name: strings.TrimSuffix(name[4:], ".hcl"), says: marked(name, text)[:2], args: []string{"validate", "-i", name}}
		c.build = func(t *testing.T, dir string) {
			if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, c)
	}
	return out
}

func put(t *testing.T, dir, name string, text []byte) {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func sortedKeys(m map[string]int) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// play is an inventory of one host with a recipe of one step, whose content is an expression; the
// expression stands in line 6.
func play(expression string) []byte {
	return fmt.Appendf(nil, "host \"db1\" { address = \"10.0.0.1\" }\ncluster \"c\" { recipe = \"r\" }\nrecipe \"r\" {\n  on \"all\" {\n    file \"/x\" {\n      content = %s\n    }\n  }\n}\n", expression)
}
