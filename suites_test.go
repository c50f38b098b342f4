package haprov

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func suites(t *testing.T, env string, args ...string) string {
	t.Helper()
	c := exec.Command("tools/suites.sh", args...)
	c.Env = append(os.Environ(), "SUITE_TODAY=", env)
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestEverySuiteOfMachinesHasItsDay reads the suites from test/vm: each test that is not of the core
// runs on one day of a few, and what a day leaves out is told.
func TestEverySuiteOfMachinesHasItsDay(t *testing.T) {
	const days = 32 // more than there are suites
	ran := ""
	for day := range days {
		today := "TODAY=" + strconv.Itoa(20000+day)
		run := suites(t, today)
		ran += run
		left := suites(t, today, "left-out")
		name := regexp.MustCompile(`SUITE=([a-z0-9-]+)`).FindStringSubmatch(run)
		if name == nil || strings.Contains(left, "suite "+name[1]+" ") || !strings.Contains(left, "make test-vm SUITE=") {
			t.Errorf("day %d: runs %q, leaves out %q", day, run, left)
		}
	}
	if got := suites(t, "SUITE_TODAY=none"); got != "" {
		t.Errorf("none: %q", got)
	}
	if got := suites(t, "SUITE_TODAY=galera"); got != "SUITE=galera WITHOUT=core\n" {
		t.Errorf("galera: %q", got)
	}
	if got := suites(t, "TODAY=20000", strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10)); got != "" {
		t.Errorf("after an hour: %q", got)
	}
	if got := suites(t, "TODAY=20000", strconv.FormatInt(time.Now().Add(-time.Minute).Unix(), 10)); !strings.HasPrefix(got, "SUITE=") {
		t.Errorf("after a minute: %q", got)
	}
	if out, err := exec.Command("env", "SUITE_TODAY=galeera", "tools/suites.sh").CombinedOutput(); err == nil || !strings.Contains(string(out), "expected none or one of") {
		t.Errorf("an unknown name: %v %s", err, out)
	}
	files, err := filepath.Glob("test/vm/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\bsuite\(t, ("[^)]*)\)`).FindAllStringSubmatch(string(text), -1) {
			first := strings.Trim(strings.Split(m[1], ",")[0], `"`)
			if first != "core" && !slices.Contains(strings.Fields(ran), "SUITE="+first) {
				t.Errorf("%s: no day runs suite %s: add it to tools/suites.sh", f, first)
			}
		}
	}
}
