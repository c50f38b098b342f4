package rolling

import (
	"os"
	"strings"
	"testing"
	"time"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

func three() *Rolling {
	return &Rolling{Where: kind.Where{Nodes: []kind.Node{{Name: "a"}, {Name: "b"}, {Name: "c"}}, Speed: 1}, Unit: "x.service", Ready: "true", Deadline: time.Minute}
}

// host is what one member says: what it owes, whether it is ready, and the start it is in.
func host(r *Rolling, owes string, exit int, life string) probe.HostSeen {
	s := probe.NewSeen(kindtest.Answer(r.serves(), exit, "")).With(kindtest.Answer(r.owed(), 0, owes)).With(kindtest.Answer(r.life(), 0, life))
	return probe.HostSeen{Seen: s.With(kindtest.Answer(r.state(), 0, "ActiveState=active"))}
}

func TestMembersAreRestartedOneAfterTheOther(t *testing.T) {
	r := three()
	asked, err := r.Intend(plan.Intent{Verb: plan.Restart})
	if err != nil {
		t.Fatal(err)
	}
	well, owes, sick, restarted, away := host(r, "", 0, "1"), host(r, "restart", 0, "1"), host(r, "", 3, "1"), host(r, "", 0, "2"), probe.HostSeen{Lost: "no route"}
	for _, x := range []struct {
		name                  string
		step                  kind.Cluster
		a, b, c               probe.HostSeen
		phase, waits, refused string
	}{
		{"nothing is owed", r, well, well, well, "", "", ""},
		{"all owe", r, owes, owes, owes, "restart x.service on a", "", ""},
		{"the last one owes", r, well, well, owes, "restart x.service on c", "", ""},
		{"the one before is not ready", r, sick, owes, owes, "", "all members serve (a not yet)", ""},
		{"one is away, and another owes", r, owes, well, away, "", "", "c cannot be reached"},
		{"one is away, nothing is owed", r, well, well, away, "", "", ""},
		{"asked for", asked, well, well, well, "restart x.service on a", "", ""},
		{"asked for, one done", asked, restarted, well, well, "restart x.service on b", "", ""},
		{"asked for, all done", asked, restarted, restarted, restarted, "", "", ""},
	} {
		begin := probe.Hosts{"a": well, "b": well, "c": well}
		ph, err := kindtest.DecideLater(t, x.step, begin, probe.Hosts{"a": x.a, "b": x.b, "c": x.c})
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
		if len(ph.Changes) > 1 {
			t.Errorf("%s: %d members change at once", x.name, len(ph.Changes))
		}
	}
	if _, err := r.Intend(plan.Intent{Verb: plan.Switchover}); err == nil {
		t.Error("it cannot switch over")
	}
}

func TestTheHostThatIsNamedLastComesLast(t *testing.T) {
	r := three()
	r.Last = "leader"
	for says, want := range map[string]string{"a\n": "b, restart it on c, restart it on a", "": "a, restart it on b, restart it on c", "nobody": "a, restart it on b, restart it on c"} {
		seen := probe.Hosts{}
		for _, n := range []string{"a", "b", "c"} {
			h := host(r, "restart", 0, "1")
			if qs := r.Probe(n, probe.Hosts{n: h}); len(qs) != 1 || qs[0].Key() != r.names().Key() {
				t.Fatalf("asks %v", qs)
			}
			seen[n] = probe.HostSeen{Seen: h.With(kindtest.Answer(r.names(), 0, says))}
		}
		ph, err := kindtest.Decide(t, r, seen)
		got := strings.Join(append([]string{strings.TrimPrefix(ph.Name, "restart x.service on ")}, ph.Then...), ", ")
		if err != nil || got != want {
			t.Errorf("%q: %s %v", says, got, err)
		}
	}
	if qs := r.Probe("a", probe.Hosts{"a": host(r, "", 0, "1")}); len(qs) > 0 {
		t.Errorf("asks for the order though nothing is due: %v", qs)
	}
}

func TestAMemberIsDrainedRestartedWaitedForAndPutBack(t *testing.T) {
	dir := t.TempDir()
	log := dir + "/log"
	kindtest.Write(t, dir+"/systemctl", "#!/bin/sh\necho \"$*\" >>"+log+"\necho 0 >"+dir+"/n\n")
	kindtest.Write(t, dir+"/ready", "#!/bin/sh\nn=$(cat "+dir+"/n)\necho $((n+1)) >"+dir+"/n\n[ $n -ge 2 ]\n")
	kindtest.Write(t, dir+"/sleep", "#!/bin/sh\n")
	for _, f := range []string{"systemctl", "ready", "sleep"} {
		if err := os.Chmod(dir+"/"+f, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	kindtest.Write(t, dir+"/n", "9")
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	r := three()
	r.Ready, r.Drain, r.Undrain = "ready", "echo drain >>"+log, "echo undrain >>"+log
	owes := host(r, "restart", 0, "1")
	ph, err := kindtest.Decide(t, r, probe.Hosts{"a": owes, "b": owes, "c": owes})
	if err != nil {
		t.Fatal(err)
	}
	a := ph.Changes["a"].Actions[0]
	if rs := kindtest.Run(t, a); rs[0].State != act.Done {
		t.Fatalf("%+v", rs)
	}
	text, err := os.ReadFile(log)
	if want := "drain\nrestart x.service\nundrain\n"; err != nil || string(text) != want {
		t.Errorf("did %q %v", text, err)
	}
	r.Ready, r.Deadline = "false", 3*time.Second
	a.Guard = ""
	a.Shell = r.restart([]string{"a"}).Changes["a"].Actions[0].Shell
	if out := kindtest.Try(t, a); out[0].State != act.Failed || !strings.Contains(out[0].Output, "not ready after 3 tries") {
		t.Errorf("a member that never gets ready: %+v", out)
	}
}

func TestWhatCannotBeRolledIsAMistake(t *testing.T) {
	var got []string
	for _, p := range (&Rolling{Unit: "x;y", Ready: " "}).Check() {
		got = append(got, p.Attribute)
	}
	if strings.Join(got, " ") != "unit ready" {
		t.Errorf("%v", got)
	}
}
