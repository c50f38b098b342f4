package drill

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"haprov/internal/drill/history"
	"haprov/internal/drill/judge"
	"haprov/internal/secret"
)

// Summary is a run of several drills: the content of run.json.
type Summary struct {
	Version    int       `json:"version"` // 1; it changes when the meaning of a field does
	Cluster    string    `json:"cluster"`
	Recipe     string    `json:"recipe"`
	Began      time.Time `json:"began"`
	Seed       uint64    `json:"seed"`
	Program    string    `json:"haprov"`
	Machines   string    `json:"machines"`  // lab NAME, driver; or real
	Inventory  string    `json:"inventory"` // SHA-256 of the inventory's text
	Power      string    `json:"power"`     // what a power cut loses here
	Results    []Result  `json:"drills"`
	Word       string    `json:"verdict"`
	Acked      float64   `json:"acknowledged"`
	Lost       float64   `json:"lost"`
	Outages    int       `json:"outages"`
	LongOutage float64   `json:"longest_outage_seconds"`
}

// Add counts a drill's result.
func (s *Summary) Add(r Result) {
	s.Results = append(s.Results, r)
	s.LongOutage = max(s.LongOutage, r.Outage)
	for _, v := range r.Verdicts {
		s.Acked += v.Numbers["acknowledged"]
		s.Lost += v.Numbers["lost"]
	}
	if r.Outage > 1 {
		s.Outages++
	}
	s.Word = judge.Pass
	for _, w := range []string{judge.Unknown, judge.Fail} {
		if slices.ContainsFunc(s.Results, func(r Result) bool { return r.Word == w }) {
			s.Word = w
		}
	}
}

// Folder is where a run's evidence lies:
//
//	run.json      what was done, and the verdicts
//	DRILL/        history.jsonl.gz: each operation, the fault's marks, the final reads; expect.json
//	report.html   for people; junit.xml for CI
//	SHA256SUMS
type Folder struct{ Path string }

// NewFolder makes one that only this user can read.
func NewFolder(path string) (Folder, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return Folder{}, err
	}
	return Folder{path}, os.Mkdir(path, 0o700)
}

// History begins the history of a drill in a folder of the run. end closes the file; it may be called
// again.
func (f Folder) History(folder string, head history.Header) (w *history.Writer, end func() error, err error) {
	dir := filepath.Join(f.Path, folder)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, "history.jsonl.gz"), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return nil, nil, err
	}
	pack := gzip.NewWriter(file)
	w = history.NewWriter(secret.JSONWriter{To: pack}, func() error { return errors.Join(pack.Flush(), file.Sync()) }, head)
	closed := false
	return w, func() error {
		if closed {
			return nil
		}
		closed = true
		return errors.Join(pack.Close(), file.Sync(), file.Close())
	}, nil
}

// ReadHistory reads the history in a folder of the run.
func (f Folder) ReadHistory(folder string) (history.History, error) {
	if !filepath.IsLocal(folder) {
		return history.History{}, fmt.Errorf("%.80q is no folder of this run", folder)
	}
	file, err := os.Open(filepath.Join(f.Path, folder, "history.jsonl.gz"))
	if err != nil {
		return history.History{}, err
	}
	defer file.Close()
	pack, err := gzip.NewReader(bufio.NewReader(file))
	if err != nil {
		return history.History{}, err
	}
	h, err := history.Read(io.LimitReader(pack, maxHistory))
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // cut in the middle: what is whole counts
	}
	return h, err
}

const maxHistory = 1 << 30

// put writes a file as JSON or as it is.
func (f Folder) put(name string, v any) error {
	text, ok := v.([]byte)
	if !ok {
		var err error
		if text, err = json.MarshalIndent(v, "", "  "); err != nil {
			return err
		}
		text = append(text, '\n')
	}
	return os.WriteFile(filepath.Join(f.Path, name), []byte(secret.Mask(string(text))), 0o600)
}

// Expect keeps what is expected of a drill, before its fault.
func (f Folder) Expect(folder string, r *Options) error {
	return f.put(filepath.Join(folder, "expect.json"), map[string]any{"drill": r.Drill, "promises": r.Cluster.Drills.Promises})
}

// Write keeps the run as far as it has come, its report, and the sums over all.
func (f Folder) Write(s Summary, page []byte) error {
	junit, err := s.junit()
	if err := errors.Join(err, f.put("run.json", s), f.put("junit.xml", junit), f.put("report.html", page)); err != nil {
		return err
	}
	return f.sums()
}

func (f Folder) sums() error {
	var b strings.Builder
	err := filepath.WalkDir(f.Path, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "SHA256SUMS" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(f.Path, path)
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(text), name)
		return err
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(f.Path, "SHA256SUMS"), []byte(b.String()), 0o600)
}

// Read reads a run.
func (f Folder) Read() (Summary, error) {
	var s Summary
	text, err := os.ReadFile(filepath.Join(f.Path, "run.json"))
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("run.json: %w", err)
	}
	if s.Version != 1 {
		return s, fmt.Errorf("run.json: version %d, expected 1", s.Version)
	}
	return s, nil
}

// Changed names the files that are not what SHA256SUMS says.
func (f Folder) Changed() (out []string, err error) {
	text, err := os.ReadFile(filepath.Join(f.Path, "SHA256SUMS"))
	if err != nil {
		return nil, err
	}
	for l := range strings.Lines(string(text)) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(l, "\n"), "  ")
		if !ok || !filepath.IsLocal(name) {
			return nil, fmt.Errorf("SHA256SUMS: %.80q", l)
		}
		have, err := os.ReadFile(filepath.Join(f.Path, name))
		if err != nil || fmt.Sprintf("%x", sha256.Sum256(have)) != sum {
			out = append(out, name)
		}
	}
	return out, nil
}

type suite struct {
	XMLName  xml.Name   `xml:"testsuite"`
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Errors   int        `xml:"errors,attr"`
	Time     string     `xml:"time,attr"`
	Cases    []testCase `xml:"testcase"`
}

type testCase struct {
	XMLName xml.Name `xml:"testcase"`
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Time    string   `xml:"time,attr"`
	Failure *said    `xml:"failure,omitempty"`
	Error   *said    `xml:"error,omitempty"`
	Out     string   `xml:"system-out,omitempty"`
}

type said struct {
	Message string `xml:"message,attr"`
}

// junit has a case for each promise of each drill. What is not known is an error: no CI takes it for a
// pass.
func (s Summary) junit() ([]byte, error) {
	out := suite{Name: "haprov drill " + s.Cluster}
	total := 0.0
	add := func(c testCase, word, why string) {
		out.Tests++
		switch word {
		case judge.Fail:
			c.Failure = &said{why}
			out.Failures++
		case judge.Pass:
			c.Out = why
		default:
			c.Error = &said{why}
			out.Errors++
		}
		out.Cases = append(out.Cases, c)
	}
	for _, r := range s.Results {
		total += r.Took
		if len(r.Verdicts) == 0 {
			add(testCase{Class: r.Name, Name: r.About, Time: fmt.Sprintf("%.1f", r.Took)}, r.Word, r.Why)
		}
		for _, v := range r.Verdicts {
			word := v.Word
			if v.Informs {
				word = judge.Pass
			}
			add(testCase{Class: r.Name, Name: v.Promise, Time: fmt.Sprintf("%.1f", r.Took)}, word, v.Word+": "+v.Why)
		}
	}
	out.Time = fmt.Sprintf("%.1f", total)
	text, err := xml.MarshalIndent(out, "", "  ")
	return append([]byte(xml.Header), append(text, '\n')...), err
}

// Verify judges a run again from its histories alone, and names what comes out otherwise.
func (f Folder) Verify(s Summary) (out []string, err error) {
	for _, r := range s.Results {
		if len(r.Verdicts) == 0 {
			continue
		}
		h, err := f.ReadHistory(r.Folder)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.Name, err)
		}
		for _, was := range r.Verdicts {
			if was.Judge == "expected" {
				continue // from the hosts, which are not here
			}
			limit := func(name string) time.Duration {
				return time.Duration(was.Numbers[name+" limit"] * float64(time.Second))
			}
			now := judge.Of(was.Promise, was.Judge, was.Informs, &h, judge.Expect{Stall: limit("stall"), Outage: limit("outage")})
			if now.Word != was.Word {
				out = append(out, fmt.Sprintf("%s: %s: run.json says %s, the history %s: %s", r.Name, was.Promise, was.Word, now.Word, now.Why))
			}
		}
	}
	return out, nil
}
