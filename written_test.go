package haprov

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestWhatWasWrittenIsReadFromTheBinaryLogs has a server write, and another side that has no more than
// its logs, the last of them cut off in its middle: what both have is the same line on both.
func TestWhatWasWrittenIsReadFromTheBinaryLogs(t *testing.T) {
	b := newDatabase(t)
	written := func(args ...string) []string {
		t.Helper()
		out, err := exec.Command("sh", append([]string{"templates/mysql-written"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return strings.Split(strings.TrimSpace(string(out)), "\n")
	}
	b.sql(false, "CREATE DATABASE app; CREATE TABLE app.orders (id INT PRIMARY KEY, note TEXT); INSERT INTO app.orders VALUES (1, 'a'), (2, '\n### INSERT INTO `x`.`y`\n'); FLUSH BINARY LOGS")
	b.sql(false, "CREATE TABLE app.`odd name` (id INT PRIMARY KEY); BEGIN; INSERT INTO app.orders VALUES (3, 'c'); UPDATE app.orders SET note = 'd' WHERE id > 1; DELETE FROM app.orders WHERE id = 1; INSERT INTO app.`odd name` VALUES (1); COMMIT")
	other := b.dir + "/other"
	if err := os.MkdirAll(other+"/data", 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("sh", "-c", `cp "$1"/mount/data/binlog.0* "$1/other/data/" && printf 'half an event' >>"$1/other/data/binlog.000002"`, "sh", b.dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b.sql(false, "INSERT INTO app.orders VALUES (5, 'e')")

	here, there := written(b.mount), written(other)
	n := len(there)
	if len(here) != n+1 || strings.Join(here[:n], "\n") != strings.Join(there, "\n") {
		t.Fatalf("here\n%s\nthere\n%s", strings.Join(here, "\n"), strings.Join(there, "\n"))
	}
	for line, end := range map[string]string{here[n]: " app.orders=1", here[n-1]: " app.orders=4 app.odd?name=1", here[n-2]: " definitions=1", here[n-3]: " app.orders=2"} {
		if !strings.HasPrefix(line, "0-1-") || !strings.HasSuffix(line, "Z"+end) {
			t.Errorf("%q, want an end of %q", line, end)
		}
	}
	if few := written(b.mount, "2"); strings.Join(few, "\n") != strings.Join(here[n-1:], "\n") {
		t.Errorf("the last two: %q", few)
	}
	if out, err := exec.Command("sh", "templates/mysql-written", b.dir).CombinedOutput(); err == nil {
		t.Errorf("no logs: %s", out)
	}
}
