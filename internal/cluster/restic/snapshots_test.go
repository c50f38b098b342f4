package restic

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWhatResticPrintsIsRead(t *testing.T) {
	text, err := os.ReadFile("testdata/restic-0.14-list.json")
	if err != nil {
		t.Fatal(err)
	}
	all, err := Parse(string(text))
	if err != nil || len(all) != 4 {
		t.Fatalf("%d snapshots, %v", len(all), err)
	}
	copies := slices.DeleteFunc(slices.Clone(all), func(s Snapshot) bool { return !slices.Contains(s.Tags, "full") })
	if len(copies) != 1 {
		t.Fatalf("%d copies: %+v", len(copies), all)
	}
	c := copies[0]
	if c.Value("file") != "binlog.000005" || c.Value("nothing") != "" || c.Time.Truncate(time.Second).Format(time.RFC3339) != "2026-11-28T00:53:41Z" || len(c.ID) != 64 {
		t.Errorf("%+v", c)
	}
	if !slices.Contains(c.Kept, "daily snapshot") || !slices.Contains(c.Kept, "has tags [proved]") {
		t.Errorf("kept for %q", c.Kept)
	}
	for _, s := range all {
		if !slices.Contains(s.Tags, "full") && len(s.Kept) > 0 {
			t.Errorf("reasons of another one: %+v", s)
		}
	}
}

func TestAnEmptyRepositoryIsNoError(t *testing.T) {
	for _, text := range []string{"[]", "null", "[]\n[]", "[]\nnull\n"} {
		if all, err := Parse(text); err != nil || len(all) > 0 {
			t.Errorf("%s: %v %v", text, all, err)
		}
	}
}

func TestWhatIsNoListIsRefused(t *testing.T) {
	for _, text := range []string{"", "Fatal: wrong password", `{"a":1}`, `[{"time":7}]`, `[1]`, "[]\n{}", `[{"tags":["` + strings.Repeat(`a","`, 99) + `"]}]`} {
		if all, err := Parse(text); err == nil {
			t.Errorf("%.40s: %v", text, all)
		}
	}
}

func FuzzParse(f *testing.F) {
	text, err := os.ReadFile("testdata/restic-0.14-list.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("[]")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := Parse(text)
		if err != nil && all != nil {
			t.Error("both")
		}
		for _, s := range all {
			s.Value("at")
		}
	})
}
