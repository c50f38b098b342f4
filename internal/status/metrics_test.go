package status_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"haprov/internal/plan"
	"haprov/internal/status"
)

var looked = time.Date(2026, 11, 28, 1, 2, 3, 0, time.UTC)

// metricsOf is what Prometheus is told of some pages.
func metricsOf(t *testing.T, names ...string) string {
	t.Helper()
	var all []status.Page
	for _, name := range names {
		p := pages()[name]
		p.Elects = name != "services"
		p.Proofs([]plan.Proof{{Host: "db1", State: plan.Proved, At: "2026-11-24T18:01:17Z", By: "db2"}, {Host: "db2", State: plan.NeverFired}})
		p.Judge()
		p.Cluster = name
		all = append(all, *p)
	}
	var b strings.Builder
	if err := status.Metrics(&b, all, looked); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func promtool(t *testing.T, input string, args ...string) {
	t.Helper()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatalf("%v: make deps installs it", err)
	}
	c := exec.Command(tool, args...)
	c.Stdin = strings.NewReader(input)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// Dashboards and alerts read these names: docs/monitoring.md has them.
func TestTheMetricsOfAPage(t *testing.T) {
	golden(t, "testdata/two-nodes.prom", metricsOf(t, "two-nodes"))
	golden(t, "testdata/galera.prom", metricsOf(t, "galera"))
	doc, err := os.ReadFile("../../docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	all := metricsOf(t, "two-nodes", "galera", "syncing", "backups")
	for _, m := range regexp.MustCompile("`(haprov_[a-z_]+)[`{]").FindAllStringSubmatch(string(doc), -1) {
		if !strings.Contains(all, "\n"+m[1]+"{") {
			t.Errorf("docs/monitoring.md names %s, which is not written", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`# TYPE (haprov_[a-z]+_[a-z]+)`).FindAllStringSubmatch(all, -1) {
		if general := strings.HasPrefix(m[1], "haprov_host_") || strings.HasPrefix(m[1], "haprov_fencing_") || strings.HasPrefix(m[1], "haprov_endpoint_"); general && !strings.Contains(string(doc), m[1]) {
			t.Errorf("docs/monitoring.md does not name %s", m[1])
		}
	}
}

// Prometheus itself reads what any page gives, a hostile host's words too.
func TestPrometheusReadsTheMetrics(t *testing.T) {
	var names []string
	for name := range pages() {
		names = append(names, name)
	}
	promtool(t, metricsOf(t, names...), "check", "metrics")
}

// Each alert is raised by the metrics that it is for, and by no healthy cluster: docs/monitoring has
// the cases.
func TestTheAlertsAreRaised(t *testing.T) {
	dir := "../../docs/monitoring"
	promtool(t, "", "check", "rules", filepath.Join(dir, "alerts.yml"))
	promtool(t, "", "test", "rules", filepath.Join(dir, "alerts_test.yml"))
	rules, err := os.ReadFile(filepath.Join(dir, "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	cases, err := os.ReadFile(filepath.Join(dir, "alerts_test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for l := range strings.Lines(string(rules)) {
		if _, name, ok := strings.Cut(strings.TrimSpace(l), "- alert: "); ok {
			n++
			if !strings.Contains(string(cases), "alertname: "+name+"\n") {
				t.Errorf("no case raises %s", name)
			}
		}
	}
	if n < 10 {
		t.Errorf("%d alerts", n)
	}
}
