package drill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"haprov/internal/drill/fault"
	"haprov/internal/drill/history"
	"haprov/internal/drill/judge"
	"haprov/internal/drill/load"
	"haprov/internal/inventory"
	"haprov/internal/protocol"
	"haprov/internal/protocol/protocoltest"
	"haprov/internal/recipe"
	"haprov/internal/status"
)

// here is a site of one host, which is this machine.
type here struct {
	login protocol.Login
	path  string // comes first in $PATH
}

func (h here) Look(context.Context) status.Page {
	return status.Page{Cluster: "shop", Active: "db1", Healthy: true}
}

func (h here) Shell(ctx context.Context, _, script string) (string, int, error) {
	c := exec.CommandContext(ctx, "sh", "-c", script)
	c.Env = append(os.Environ(), "PATH="+h.path+":"+os.Getenv("PATH"))
	out, err := c.Output()
	if c.ProcessState == nil {
		return "", 0, err
	}
	return string(out), c.ProcessState.ExitCode(), nil
}

func (h here) Dial(ctx context.Context, _ string) (net.Conn, error) { return h.login.Dial(ctx) }

// A whole drill on a real PostgreSQL: its processes stand still for some seconds, no row is lost, and the
// time is measured. The fault is armed before it begins.
func TestADrillOfPostgres(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute")
	}
	t.Parallel()
	login := protocoltest.Postgres(t)
	conn, err := login.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(conn.RemoteAddr().String())
	conn.Close()
	dir := t.TempDir()
	done := filepath.Join(dir, "done")
	for name, text := range map[string]string{"systemd-run": "echo armed >>" + done, "systemctl": "echo disarmed >>" + done} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	pids := filepath.Join(dir, "pids")
	frozen := recipe.Fault{Name: "frozen", About: "It stands still", Risk: "stall", Shell: &recipe.ShellFault{
		Inject: fmt.Sprintf("echo injected >>%s; p=$(pgrep -o -f -- '-p %s -k') && { echo $p; pgrep -P $p; } >%s && xargs kill -STOP <%[3]s", done, port, pids),
		Seen:   "grep -q '^State:.T' /proc/$(head -n 1 " + pids + ")/status",
		Heal:   "[ ! -e " + pids + " ] || xargs kill -CONT <" + pids + "; rm -f " + pids,
		Gone:   "[ ! -e " + pids + " ]",
	}}
	t.Cleanup(func() { _, _, _ = here{path: dir}.Shell(context.Background(), "", frozen.Shell.Heal) })
	promises := []recipe.Promise{}
	for _, name := range []string{"acked", "append", "bank", "register", "session", "writers", "outage"} {
		promises = append(promises, recipe.Promise{Text: name, Judge: name})
	}
	endpoints := []recipe.Endpoint{{Name: "db", Address: "192.0.2.1", Port: 5432, Protocol: "postgres"}}
	res, err := Run(t.Context(), Options{
		Site: here{login, dir}, Inventory: &inventory.Inventory{}, ID: "run-1", Seed: 1, Password: login.Password,
		Cluster: recipe.Cluster{Name: "shop", Hosts: []string{"db1"}, Endpoints: endpoints, Drills: recipe.Drills{Promises: promises,
			Load: &recipe.Load{Protocol: "postgres", User: login.User, Database: login.Database, Readers: "db", ScanOn: "active",
				Scan: "PGPASSWORD=secret psql -h 127.0.0.1 -p " + port + " -U app -d app -tAc 'SELECT id FROM added'"}}},
		Drill: recipe.Drill{Name: "frozen", About: "It stands still", Faults: []recipe.Bound{{Fault: frozen, On: "active"}},
			Expect: recipe.Expect{Active: "stays", Outage: 4 * time.Second, Stall: 4 * time.Second, Heals: "alone"}},
		// the machines took long until they were ready
		Log: history.NewWriter(io.Discard, nil, history.Header{Drill: "frozen", Cluster: "shop", Began: time.Now().Add(-20 * time.Second)}),
	})
	if err != nil {
		t.Fatal(err)
	}
	said, _ := os.ReadFile(done)
	if lines := strings.Fields(string(said)); len(lines) < 3 || lines[0] != "armed" || lines[1] != "injected" || lines[2] != "disarmed" {
		t.Errorf("first armed, then injected, in the end disarmed: %q", lines)
	}
	mark := func(event string) time.Duration {
		i := slices.IndexFunc(res.History.Marks, func(m history.Mark) bool { return m.Event == event })
		if i < 0 {
			t.Fatalf("no mark %q in %v", event, res.History.Marks)
		}
		return time.Duration(res.History.Marks[i].Time)
	}
	if calm := mark("inject") - mark("begin"); calm < warmUp {
		t.Errorf("the load ran for %s before the fault, expected %s", calm, warmUp)
	}
	if why := judge.Doubt(res.History); why != "" {
		t.Skip(why) // this machine has too much else to do
	}
	for _, v := range res.Verdicts {
		want := judge.Pass
		if v.Judge == "outage" {
			want = judge.Fail // the runner ends the fault after twice the expected time
		}
		if v.Word != want && v.Judge != "expected" {
			t.Errorf("%s: %s, expected %s: %s", v.Judge, v.Word, want, v.Why)
		}
	}
	if res.Word != judge.Fail || res.Outage < 4 || res.Outage > 60 {
		t.Errorf("%s: an outage of %.1f s: %s", res.Word, res.Outage, res.Why)
	}
	var events []string
	for _, m := range res.History.Marks {
		events = append(events, m.Event)
	}
	if want := []string{"begin", "inject", "seen", "heal", "gone", "healthy", "end"}; !slices.Equal(events, want) {
		t.Errorf("%v, expected %v", events, want)
	}
}

// sick is a site that is healthy before the fault, and some looks after it.
type sick struct {
	here
	looks *int
}

func (s sick) Look(ctx context.Context) status.Page {
	page := s.here.Look(ctx)
	*s.looks++
	page.Healthy = *s.looks == 1 || *s.looks > 3
	return page
}

// A host may die of a fault before it is seen in force. What comes next must not begin on a sick cluster.
func TestADrillEndsHealthyThoughItsFaultWasNotSeen(t *testing.T) {
	looks := 0
	r := &run{factor: 1, tried: true, Options: Options{Site: sick{here{}, &looks}, Log: history.NewWriter(io.Discard, nil, history.Header{Began: time.Now()})}}
	looks = 1
	if _, err := r.heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if looks < 4 {
		t.Errorf("looked %d times, and the cluster was not healthy yet", looks)
	}
}

// silent is a fault whose host does not answer for a while.
type silent struct {
	fault.Fault
	until time.Time
}

func (s silent) Inject(context.Context) error { return errors.New("the host ended") }

func (s silent) Seen(context.Context) (bool, error) {
	if time.Now().Before(s.until) {
		return false, errors.New("db1: no answer")
	}
	return true, nil
}

// A host that a fault kills at once tells it only when it has booted again, which takes longer than any
// fault needs to be seen where it does not kill.
func TestAFaultThatKillsItsHostIsSeenWhenTheHostIsBack(t *testing.T) {
	for risk, want := range map[string]bool{"host": true, "stall": false} {
		r := &run{factor: 0.02, Options: Options{Site: here{}, Log: history.NewWriter(io.Discard, nil, history.Header{Began: time.Now()})}}
		b := bound{Bound: recipe.Bound{Fault: recipe.Fault{Name: "x", Risk: risk, About: "X"}}, targets: []string{"db1"}, fault: silent{until: time.Now().Add(r.scaled(seenTime) + time.Second)}}
		r.load = load.Start(load.Target{}, r.Log, load.Rate{}, 1)
		err := r.inject(t.Context(), b)
		r.load.Stop()
		if (err == nil) != want {
			t.Errorf("risk %s: %v", risk, err)
		}
	}
}
