package backup

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"haprov/internal/cluster/restic"
	"haprov/internal/kind"
)

// What the host's script writes into tags; it says there what each of them means.
var (
	runID    = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z$`)
	seriesID = regexp.MustCompile(`^[0-9A-Za-z-]{1,40}$`)
	logName  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}\.[0-9]{6,10}$`)
	gtidText = regexp.MustCompile(`^[0-9+-]{1,300}$`)
)

// full is a copy as its tags tell of it.
type full struct {
	kind.Copy
	series string
	chain  []set // sets of logs that follow it without a gap, by until
}

// set are the saved logs of one run: each file from first to last.
type set struct {
	series, first, last string
	until               time.Time // all that was acknowledged before it is in them
	bytes               int64
}

// readStock reads what the host's script lists: copies with the logs that follow them, the oldest first.
func readStock(text string) ([]full, error) {
	snapshots, err := restic.Parse(text)
	if err != nil {
		return nil, err
	}
	var copies []full
	var sets []set
	for _, s := range snapshots {
		r := tags{of: s}
		switch {
		case s.Value("series") == "": // of before positions were written down: nothing tells what it is good for
		case slices.Contains(s.Tags, "logs"):
			sets = append(sets, set{series: r.text("series", seriesID), first: r.text("first", logName), last: r.text("last", logName), until: r.time("until"), bytes: r.number("bytes")})
		case slices.Contains(s.Tags, "good"):
			c := full{series: r.text("series", seriesID), Copy: kind.Copy{ID: r.text("run", runID), From: r.time("at"), Bytes: r.number("bytes"),
				Log: r.text("file", logName), Position: r.number("position"), Kept: []string{}}}
			if s.Value("gtid") != "" {
				c.GTID = strings.ReplaceAll(r.text("gtid", gtidText), "+", ",")
			}
			if slices.Contains(s.Tags, "proved") {
				at := r.time("proved_at")
				c.Proved = &at
			}
			for _, k := range s.Kept {
				c.Kept = append(c.Kept, strings.TrimSuffix(k, " snapshot"))
			}
			copies = append(copies, c)
		}
		if r.err != nil {
			return nil, fmt.Errorf("snapshot %.8s: %w", s.ID, r.err)
		}
	}
	slices.SortStableFunc(copies, func(a, b full) int { return a.From.Compare(b.From) })
	slices.SortStableFunc(sets, func(a, b set) int { return a.until.Compare(b.until) })
	for i := range copies {
		copies[i].follow(sets)
	}
	return copies, nil
}

// follow finds the sets of logs that follow the copy: of its series, each beginning at the latest where
// the ones before it end.
func (c *full) follow(sets []set) {
	c.To = c.From
	have := number(c.Log) - 1 // up to this file there is no gap
	for _, s := range sets {
		if s.series != c.series || number(s.first) > have+1 || number(s.last) < have || s.until.Before(c.From) {
			continue
		}
		have = number(s.last)
		c.To = s.until
		c.chain = append(c.chain, s)
	}
}

// stock is what is shown of the copies.
func stock(copies []full) kind.Stock {
	out := kind.Stock{Copies: []kind.Copy{}, Windows: []kind.Window{}}
	for _, c := range copies {
		out.Copies = append(out.Copies, c.Copy)
		if n := len(out.Windows); n > 0 && !c.From.After(out.Windows[n-1].To) {
			if c.To.After(out.Windows[n-1].To) {
				out.Windows[n-1].To = c.To
			}
			continue
		}
		out.Windows = append(out.Windows, kind.Window{From: c.From, To: c.To})
	}
	return out
}

// point is how a time is restored: a copy, and the files of its logs up to the last one that is needed.
type point struct {
	of    full
	parts []part
}

// part is what is taken of one set of logs.
type part struct {
	until       time.Time
	first, last string
}

// last is the last log of a point; empty when there is none to replay.
func (p point) last() string {
	if len(p.parts) == 0 {
		return ""
	}
	return p.parts[len(p.parts)-1].last
}

// choose finds the copy and the logs for a time: the zero one is the latest there is. The error says
// which times there are.
func choose(copies []full, at time.Time) (point, error) {
	all := stock(copies)
	if len(copies) == 0 {
		return point{}, errors.New("there is no copy yet (haprov backup now)")
	}
	if at.IsZero() {
		at = all.Latest()
	}
	first, latest := all.Windows[0].From, all.Latest()
	switch {
	case at.Before(first):
		return point{}, fmt.Errorf("%s is before the first copy: the data can be had as of %s and later", show(at), show(first))
	case at.After(latest):
		return point{}, fmt.Errorf("%s is later than what is saved: the data can be had as of %s at the latest (haprov backup logs saves what was written since)", show(at), show(latest))
	}
	for _, c := range slices.Backward(copies) {
		if at.Before(c.From) || at.After(c.To) {
			continue
		}
		return c.upTo(at), nil
	}
	for i, w := range all.Windows[1:] {
		if at.Before(w.From) {
			return point{}, fmt.Errorf("%s is in a gap: no saved log follows %s; the data can be had as of that second or earlier, and again as of %s", show(at), show(all.Windows[i].To), show(w.From))
		}
	}
	return point{}, fmt.Errorf("%s cannot be restored", show(at)) // not reached: windows are what the copies cover
}

// upTo takes the fewest sets that have all files from the copy's on up to a time, which they cover.
func (c full) upTo(at time.Time) point {
	out := point{of: c}
	if len(c.chain) == 0 {
		return out
	}
	n, _ := slices.BinarySearchFunc(c.chain, at, func(s set, at time.Time) int { return s.until.Compare(at) })
	chain := c.chain[:min(n+1, len(c.chain))]
	end := number(chain[len(chain)-1].last)
	for next := number(c.Log); next <= end; {
		var best set
		for _, s := range chain {
			if number(s.first) <= next && number(s.last) >= next && (best.last == "" || number(s.last) >= number(best.last)) {
				best = s
			}
		}
		if best.last == "" {
			break // not reached: the chain has no gap
		}
		out.parts = append(out.parts, part{until: best.until, first: numbered(c.Log, next), last: best.last})
		next = number(best.last) + 1
	}
	return out
}

// bytes are those of the logs, at most: a set has files before the first that is needed, too.
func (p point) bytes() (n int64) {
	for _, s := range p.of.chain {
		if slices.ContainsFunc(p.parts, func(x part) bool { return x.until.Equal(s.until) }) {
			n += s.bytes
		}
	}
	return n
}

// number is a log's; numbered a log's name with another number.
func number(log string) int {
	n, _ := strconv.Atoi(log[strings.LastIndexByte(log, '.')+1:])
	return n
}

func numbered(log string, n int) string {
	return fmt.Sprintf("%s.%06d", log[:strings.LastIndexByte(log, '.')], n)
}

// show writes a second as restore --at takes it.
func show(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// tags reads those of a snapshot; the first that is not as the script writes it is the error.
type tags struct {
	of  restic.Snapshot
	err error
}

func (r *tags) text(name string, as *regexp.Regexp) string {
	v := r.of.Value(name)
	if !as.MatchString(v) && r.err == nil {
		r.err = fmt.Errorf("its tag %s is %.60q", name, v)
	}
	return v
}

func (r *tags) number(name string) int64 {
	n, err := strconv.ParseInt(r.of.Value(name), 10, 64)
	if (err != nil || n < 0) && r.err == nil {
		r.err = fmt.Errorf("its tag %s is %.60q, which is no number", name, r.of.Value(name))
	}
	return n
}

func (r *tags) time(name string) time.Time {
	n := r.number(name)
	if n > 1<<40 && r.err == nil { // the year 36812
		r.err = fmt.Errorf("its tag %s is %d, which is no time", name, n)
	}
	return time.Unix(n, 0).UTC()
}
