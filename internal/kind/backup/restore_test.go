package backup

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/status"
)

// answers are one host's, by what was asked; what is left out was not asked.
type answers struct {
	active               int // exit code
	done, restored, room string
	list                 string
	listed               int // exit code
}

func (x answers) seen(b *Backup) probe.HostSeen {
	s := probe.NewSeen(kindtest.Answer(b.here(), x.active, "")).With(kindtest.Answer(b.done(), 0, x.done)).With(kindtest.Answer(b.restored(), 0, x.restored)).With(kindtest.Answer(b.wanted(), 0, ""))
	if x.active == 0 {
		s = s.With(kindtest.Answer(b.Stock(), x.listed, x.list)).With(kindtest.Answer(b.room(), 0, x.room))
	}
	return probe.HostSeen{Seen: s}
}

func asked(t *testing.T, in plan.Intent) *Backup {
	t.Helper()
	quiet := &Backup{Where: kind.Where{Nodes: []kind.Node{{Name: "a"}, {Name: "b"}}, Speed: 1}, Unit: "x", From: "true", List: "list", Folder: "/restored", Use: "ask FOLDER/s"}
	step, err := quiet.Intend(in)
	if err != nil {
		t.Fatal(err)
	}
	return step.(*Backup)
}

const gibibyte = 1 << 30

func TestDataIsRestoredBesideTheRunningServer(t *testing.T) {
	b := asked(t, plan.Intent{Verb: plan.Restore, At: at(150).In(time.FixedZone("CET", 3600))})
	list := snapshots(copied(100, "s", 3), logs(110, "s", 1, 4), logs(160, "s", 2, 6))
	room := fmt.Sprintf("%d %d\n", 5*gibibyte, 10*gibibyte)
	good := answers{list: list, room: room}
	standby := answers{active: 1}
	for _, x := range []struct {
		name                  string
		a, b                  answers
		phase, waits, refused string
	}{
		{"all is well", good, standby, "restore the data beside the running server", "", ""},
		{"the other is active", standby, good, "restore the data beside the running server", "", ""},
		{"none is active", standby, standby, "", "", "no active host"},
		{"both are active", good, good, "", "", "a, b all say"},
		{"there is one already", answers{list: list, room: room, restored: "folder=/restored\n"}, standby, "", "", "a has a restored server already"},
		{"there is one on the other host", good, answers{active: 1, restored: "folder=/restored\n"}, "", "", "b has a restored server already"},
		{"no room", answers{list: list, room: fmt.Sprintf("%d %d\n", gibibyte/2, 10*gibibyte)}, standby, "", "", "a: no room in /: the restored data takes 257 MiB, and a twentieth of the file system is to stay free; 512 MiB of 10 GiB are"},
		{"the folder is another's", answers{list: list, room: room + "photos\n"}, standby, "", "", "the folder /restored is not empty"},
		{"nothing is told of the room", answers{list: list, room: "df: error\n"}, standby, "", "", "it cannot be told how much room there is"},
		{"a wrong password", answers{listed: 1, list: "the repository /r does not open with the password\n", room: room}, standby, "", "", "a: the repository /r does not open with the password"},
		{"the list says nothing", answers{listed: 1, room: room}, standby, "", "", "its list of copies ended with exit code 1"},
		{"the list is none", answers{list: "hello", room: room}, standby, "", "", "not a list of snapshots"},
		{"no copy", answers{list: "[]", room: room}, standby, "", "", "there is no copy yet"},
		{"done", answers{list: list, room: room, done: "now", restored: "folder=/restored\ntransaction=260101  0:02:29 0-1-7\n"}, standby, "", "", ""},
		{"done, and nothing tells of it", answers{list: list, room: room, done: "now"}, standby, "", "", "a: it tells of no restored server"},
	} {
		begin := probe.Hosts{"a": good.seen(b), "b": standby.seen(b)}
		ph, err := kindtest.DecideLater(t, b, begin, probe.Hosts{"a": x.a.seen(b), "b": x.b.seen(b)})
		kindtest.Expect(t, x.name, ph, err, x.phase, x.waits, x.refused)
		switch x.name {
		case "all is well":
			c := ph.Changes["a"]
			want := []plan.Diff{
				{Attribute: "data as of", Want: "2026-01-01T00:02:30Z (2026-01-01 01:02:30 +01:00 CET), without what the server logged in that second or later"},
				{Attribute: "copy", Want: "2026-01-01T00:01:40Z, 1 MiB"},
				{Attribute: "logs to replay", Want: "binlog.000003 from position 500, to binlog.000006"},
				{Attribute: "folder", Want: "/restored, takes 257 MiB of 5120 MiB that are free"},
			}
			if diff := cmp.Diff(want, c.Diffs); diff != "" {
				t.Error(diff)
			}
			order := fmt.Sprintf("folder=/restored\ncopy=20260101T000140Z\nfile=binlog.000003\nposition=500\nbytes=%d\nlast=binlog.000006\nstop=%d\nlogs=%d binlog.000003 binlog.000006\n",
				1000+100+slack, day+150, day+160)
			if got := c.Actions[0].Write.Content.Reveal(); got != order {
				t.Errorf("%s\nwant\n%s", got, order)
			}
		case "done":
			if want := "a has the restored server in /restored; the last transaction in it is 0-1-7 of 2026-01-01T00:02:29Z; ask /restored/s; haprov restore end removes it"; ph.Note != want {
				t.Errorf("%q, want %q", ph.Note, want)
			}
		}
	}
}

func TestOnlyTheActiveHostIsAskedForItsCopies(t *testing.T) {
	b := asked(t, plan.Intent{Verb: plan.Restore})
	for exit, want := range map[int]int{0: 2, 1: 0} {
		s := probe.NewSeen(kindtest.Answer(b.here(), exit, "")).With(kindtest.Answer(b.done(), 0, "")).With(kindtest.Answer(b.restored(), 0, ""))
		if qs := b.Probe("a", probe.Hosts{"a": {Seen: s}}); len(qs) != want {
			t.Errorf("exit code %d: %d questions, want %d", exit, len(qs), want)
		}
	}
	if qs := b.Probe("a", probe.Hosts{}); len(qs) != 3 {
		t.Errorf("%d questions at first", len(qs))
	}
}

func TestTheRestoredServerIsEndedWhereItIs(t *testing.T) {
	b := asked(t, plan.Intent{Verb: plan.Restore, What: "end"})
	none, one, away := answers{active: 1}.seen(b), answers{active: 1, restored: "folder=/restored\n"}.seen(b), probe.HostSeen{Lost: "no route"}
	broken := probe.HostSeen{Seen: none.Seen.With(kindtest.Answer(b.wanted(), 0, "folder=/half\n"))}
	for _, x := range []struct {
		name        string
		a, b        probe.HostSeen
		phase, note string
		on          []string
	}{
		{"there is none", none, none, "", "there is no restored server", nil},
		{"one cannot be reached", none, away, "", "there is no restored server on the hosts that answer; not reachable: b", nil},
		{"on a standby", none, one, "remove the restored server", "", []string{"b"}},
		{"on both", one, one, "remove the restored server", "", []string{"a", "b"}},
		{"what broke off", broken, away, "remove the restored server", "", []string{"a"}},
	} {
		ph, err := kindtest.Decide(t, b, probe.Hosts{"a": x.a, "b": x.b})
		kindtest.Expect(t, x.name, ph, err, x.phase, "", "")
		if ph.Note != x.note || len(ph.Changes) != len(x.on) {
			t.Errorf("%s: %q, %d hosts", x.name, ph.Note, len(ph.Changes))
		}
		for _, h := range x.on {
			if len(ph.Changes[h].Actions) == 0 || !strings.Contains(ph.Changes[h].Actions[0].Shell, "x@end.service") {
				t.Errorf("%s: %+v", x.name, ph.Changes[h])
			}
		}
	}
}

func TestAFolderIsAPathThatASocketFitsIn(t *testing.T) {
	for folder, want := range map[string]bool{"/srv/restored": true, "/": false, "restored": false, "/srv/../etc": false, "/srv/a b": false, "/srv/$(id)": false, "/" + strings.Repeat("a", 90): false} {
		_, err := (&Backup{Unit: "x"}).Intend(plan.Intent{Verb: plan.Restore, Folder: folder})
		if (err == nil) != want {
			t.Errorf("%s: %v", folder, err)
		}
	}
}

func TestStatusSaysUpToWhenDataCanBeHad(t *testing.T) {
	said := func(text string) status.Said[view] {
		v, err := readView(text)
		if err != nil {
			t.Fatal(err)
		}
		return status.Said[view]{Host: "a", Answers: true, Value: &v}
	}
	now := fmt.Sprintf("now=%d\n", day+86400*3)
	copied := fmt.Sprintf("copy=20260101T000140Z s %d binlog.000003 500 1000\n", day+100)
	saved := func(n int64) string { return fmt.Sprintf("recoverable=%d\n", day+n) }
	for _, x := range []struct {
		name string
		all  []status.Said[view]
		want string
	}{
		{"nobody said anything", []status.Said[view]{{Host: "a"}}, ""},
		{"never done", []status.Said[view]{said(now)}, "no copy yet"},
		{"logs alone", []status.Said[view]{said(now + fmt.Sprintf("logs=binlog.000001 binlog.000004 %d\n", day))}, "no copy yet"},
		{"not proved", []status.Said[view]{said(now + copied + saved(150))}, "recoverable to 2026-01-01T00:02:30Z, not proved yet"},
		{"proved", []status.Said[view]{said(now + copied + saved(150) + fmt.Sprintf("proved=%d %d 20260101T000140Z 4 5\n", day+86400, day+86390))}, "recoverable to 2026-01-01T00:02:30Z, proved 2 days ago (4/5 tables)"},
		{"it was active on another host before", []status.Said[view]{said(now + copied + saved(150)), said(now + copied + saved(3600))}, "recoverable to 2026-01-01T01:00:00Z, not proved yet"},
		{"the one that was active is away", []status.Said[view]{{Host: "a"}, said(now + copied + saved(150))}, "recoverable to 2026-01-01T00:02:30Z, not proved yet"},
	} {
		if got := newest(x.all).String(); got != x.want {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
	}
	for _, text := range []string{"now=soon\n", "copy=a b\n", "recoverable=99999999999999\n", "gap=x y\n", "failed_now=\n"} {
		if v, err := readView(text); err == nil {
			t.Errorf("%s: %+v", text, v)
		}
	}
	for d, want := range map[time.Duration]string{0: "just now", 59 * time.Second: "just now", time.Minute: "1 minute ago", 25 * time.Hour: "1 day ago", 50 * time.Hour: "2 days ago", -time.Hour: "just now"} {
		if got := ago(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}
