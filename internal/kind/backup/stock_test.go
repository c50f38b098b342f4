package backup

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"haprov/internal/kind"
)

// day are seconds of one day, which the tests tell times by.
const day = 1767225600 // 2026-01-01T00:00:00Z

func at(second int64) time.Time { return time.Unix(day+second, 0).UTC() }

// snapshots is what the script lists: a line for each, with its tags.
func snapshots(lines ...string) string {
	type snapshot struct {
		ID   string    `json:"id"`
		Time time.Time `json:"time"`
		Tags []string  `json:"tags"`
	}
	all := []snapshot{}
	for i, l := range lines {
		all = append(all, snapshot{fmt.Sprintf("%064d", i), at(int64(i)), strings.Fields(l)})
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func copied(second int64, series string, log int, more ...string) string {
	return fmt.Sprintf("full good run=%s series=%s at=%d file=binlog.%06d position=500 bytes=1000 %s",
		at(second).Format("20060102T150405Z"), series, day+second, log, strings.Join(more, " "))
}

func logs(until int64, series string, first, last int) string {
	return fmt.Sprintf("logs series=%s first=binlog.%06d last=binlog.%06d until=%d bytes=100", series, first, last, day+until)
}

func read(t *testing.T, lines ...string) []full {
	t.Helper()
	copies, err := readStock(snapshots(lines...))
	if err != nil {
		t.Fatal(err)
	}
	return copies
}

// plan writes a point as COPY: UNTIL FIRST-LAST, ...
func (p point) String() string {
	out := fmt.Sprint(p.of.From.Unix()-day) + ":"
	for _, x := range p.parts {
		out += fmt.Sprintf(" %d %d-%d", x.until.Unix()-day, number(x.first), number(x.last))
	}
	return out
}

func TestATimeIsRestoredFromTheLastCopyBeforeIt(t *testing.T) {
	two := []string{logs(110, "s", 1, 3), copied(100, "s", 3), logs(150, "s", 1, 4), logs(210, "s", 2, 6), copied(200, "s", 5), logs(290, "s", 2, 9)}
	for _, x := range []struct {
		name string
		all  []string
		at   int64 // 0: the latest
		want string
	}{
		{"none", nil, 150, "no copy yet"},
		{"logs without a copy", []string{logs(110, "s", 1, 3)}, 105, "no copy yet"},
		{"before the first", two, 99, "2026-01-01T00:01:39Z is before the first copy: the data can be had as of 2026-01-01T00:01:40Z and later"},
		{"the copy's own second", two, 100, "100: 110 3-3"},
		{"the end of a set of logs", two, 110, "100: 110 3-3"},
		{"just later", two, 111, "100: 150 3-4"},
		{"until the second copy", two, 199, "100: 210 3-6"},
		{"the second copy", two, 200, "200: 210 5-6"},
		{"the last second", two, 290, "200: 290 5-9"},
		{"the latest", two, 0, "200: 290 5-9"},
		{"later than what is saved", two, 291, "2026-01-01T00:04:51Z is later than what is saved: the data can be had as of 2026-01-01T00:04:50Z at the latest"},
		{"a copy alone", []string{copied(100, "s", 3)}, 100, "100:"},
		{"after a copy alone", []string{copied(100, "s", 3)}, 101, "is later than what is saved"},
		{"nothing was written since the copy", []string{copied(100, "s", 3), logs(150, "s", 1, 2)}, 150, "100:"},
		{"logs of which the server has removed the first", []string{copied(100, "s", 3), logs(150, "s", 1, 4), logs(250, "s", 4, 8)}, 250, "100: 150 3-4 250 5-8"},
		{"a gap", []string{copied(100, "s", 3), logs(110, "s", 1, 4), logs(250, "s", 6, 8), copied(240, "s", 7)}, 200,
			"2026-01-01T00:03:20Z is in a gap: no saved log follows 2026-01-01T00:01:50Z; the data can be had as of that second or earlier, and again as of 2026-01-01T00:04:00Z"},
		{"after a gap", []string{copied(100, "s", 3), logs(110, "s", 1, 4), logs(250, "s", 6, 8), copied(240, "s", 7)}, 245, "240: 250 7-8"},
		{"the numbers began anew", []string{copied(100, "s", 3), logs(110, "s", 1, 4), logs(200, "new", 1, 9)}, 150, "is later than what is saved"},
		{"a copy of the new numbers", []string{copied(100, "s", 3), logs(110, "s", 1, 4), copied(190, "new", 1), logs(200, "new", 1, 9)}, 150, "is in a gap"},
		{"what an earlier haprov has made", []string{"full good", "logs", copied(100, "s", 3), logs(150, "s", 1, 4)}, 0, "100: 150 3-4"},
	} {
		var when time.Time
		if x.at > 0 {
			when = at(x.at)
		}
		p, err := choose(read(t, x.all...), when)
		got := p.String()
		if err != nil {
			got = err.Error()
		}
		if err == nil && got != x.want || err != nil && !strings.Contains(got, x.want) {
			t.Errorf("%s: %s, want %s", x.name, got, x.want)
		}
	}
}

func TestLogsAreTakenFromAsFewSetsAsThereNeedBe(t *testing.T) {
	p, err := choose(read(t, copied(100, "s", 3), logs(110, "s", 1, 4), logs(120, "s", 2, 5), logs(250, "s", 5, 8)), at(250))
	if got := p.String(); err != nil || got != "100: 120 3-5 250 6-8" {
		t.Errorf("%s %v", got, err)
	}
	if p.bytes() != 200 || p.last() != "binlog.000008" {
		t.Errorf("%d bytes, to %s", p.bytes(), p.last())
	}
}

func TestWhatThereIsHasItsWindows(t *testing.T) {
	got := stock(read(t, copied(100, "s", 3, "gtid=0-1-5+1-1-7", "proved", fmt.Sprint("proved_at=", day+120)), logs(150, "s", 1, 4), copied(140, "s", 4), copied(300, "s", 9)))
	proved := at(120)
	want := kind.Stock{
		Copies: []kind.Copy{
			{ID: "20260101T000140Z", From: at(100), To: at(150), Bytes: 1000, Log: "binlog.000003", Position: 500, GTID: "0-1-5,1-1-7", Kept: []string{}, Proved: &proved},
			{ID: "20260101T000220Z", From: at(140), To: at(150), Bytes: 1000, Log: "binlog.000004", Position: 500, Kept: []string{}},
			{ID: "20260101T000500Z", From: at(300), To: at(300), Bytes: 1000, Log: "binlog.000009", Position: 500, Kept: []string{}},
		},
		Windows: []kind.Window{{From: at(100), To: at(150)}, {From: at(300), To: at(300)}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestATagThatIsNoneIsRefused(t *testing.T) {
	for _, line := range []string{
		"full good series=s run=x at=1 file=binlog.000001 position=1 bytes=1",
		"full good series=s run=20260101T000000Z at=soon file=binlog.000001 position=1 bytes=1",
		"full good series=s run=20260101T000000Z at=99999999999999 file=binlog.000001 position=1 bytes=1",
		"full good series=s run=20260101T000000Z at=1 file=../../etc/passwd position=1 bytes=1",
		"full good series=s run=20260101T000000Z at=1 file=binlog.000001 position=-1 bytes=1",
		"full good series=s run=20260101T000000Z at=1 file=binlog.000001 position=1 bytes=1 gtid=$(id)",
		"logs series=$x first=binlog.000001 last=binlog.000001 until=1 bytes=1",
		"logs series=s first=binlog last=binlog.000001 until=1 bytes=1",
	} {
		if copies, err := readStock(snapshots(line)); err == nil {
			t.Errorf("%s: %+v", line, copies)
		}
	}
}

// Whatever a host says is no more than an error, and what is chosen from it is within what it said.
func FuzzReadStock(f *testing.F) {
	f.Add(snapshots(copied(100, "s", 3), logs(150, "s", 1, 4), copied(240, "s", 7)), int64(day+120))
	f.Add("[]", int64(0))
	f.Fuzz(func(t *testing.T, text string, when int64) {
		copies, err := readStock(text)
		if err != nil {
			return
		}
		at := time.Unix(when, 0)
		if p, err := choose(copies, at); err == nil && (at.Before(p.of.From) || at.After(p.of.To)) {
			t.Errorf("%s is restored from what can be had from %s to %s", at, p.of.From, p.of.To)
		}
	})
}

func FuzzReadView(f *testing.F) {
	f.Add("now=1\ncopy=a b 2 c 3 4\nrecoverable=3\nproved=1 2 r 3 4\nfailed_now=1 why\ngap=1 why\nrestored=/a\n")
	f.Fuzz(func(t *testing.T, text string) {
		if v, err := readView(text); err == nil {
			_ = v.String()
		}
	})
}
