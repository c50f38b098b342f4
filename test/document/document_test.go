package document

import (
	"strings"
	"testing"
)

const text = "# A document\n\n```\n$ haprov up\ndb1      done  install (45.9s)\n...\ndb2      done  record (200ms)\n2 changes on 2 hosts, 0 failed, 2m58.4s\n\n$ haprov status\nhealthy\n```\n\n" +
	"<!-- test: until numbers -->\n```\n$ count\n115 rows\n```\n\nTry:\n\n<!-- test: run -->\n\n    haprov sql -e 'select 1'      # as the user\n    haprov status\n\nMore:\n\n    haprov forward\n\n<!-- test: also haprov heal -->\n\n```hcl\n# a.hcl\nx = 1\n```\n"

func TestADocumentIsAScript(t *testing.T) {
	var got []string
	for _, s := range Steps(text) {
		got = append(got, s.Command+" "+strings.Join(s.Marks, ","))
	}
	want := "haprov up ;haprov status ;count until,numbers;haprov sql -e 'select 1' run;haprov status run;haprov heal also"
	if strings.Join(got, ";") != want {
		t.Errorf("%q", got)
	}
}

func TestWhatIsPrintedIsHeldAgainstTheDocument(t *testing.T) {
	steps := Steps(text)
	up, count := steps[0], steps[2]
	const printed = "db2      done  install (3.1s)\ndb1      done  install (9.2s)\ndb2      done  record (1.2s)\n\n2 changes on 2 hosts, 0 failed, 1m0s\n"
	for _, x := range []struct {
		name  string
		step  Step
		out   string
		wrong string
	}{
		{"other times, hosts in another order", up, printed, ""},
		{"more lines where the document leaves some out", up, "db1 done install (1s)\ndb1 done more (1s)\ndb2 done record (1ms)\n2 changes on 2 hosts, 0 failed, 1s\n", ""},
		{"more lines of one host before", up, "db1      start\n" + printed, "line 5"},
		{"more lines after", up, printed + "ready\n", "more was printed"},
		{"other words", up, strings.Replace(printed, "record", "write", 1), "line 7"},
		{"another count", up, strings.Replace(printed, "2 changes", "3 changes", 1), "line 8"},
		{"nothing", steps[1], "", "line 11"},
		{"other numbers", count, "7 rows\n", ""},
	} {
		_, err := x.step.Match(x.out)
		if (err == nil) != (x.wrong == "") || err != nil && !strings.Contains(err.Error(), x.wrong) {
			t.Errorf("%s: %v, want %q", x.name, err, x.wrong)
		}
	}
	found, err := up.Match(printed)
	if err != nil || found[5] != "db1      done  install (9.2s)" || found[8] != "2 changes on 2 hosts, 0 failed, 1m0s" {
		t.Errorf("%v %v", found, err)
	}
}

func TestEitherOfTwoMachinesMayBeTheActiveOne(t *testing.T) {
	const doc = "```\n$ haprov status\ndb1  active\ndb2  up\nvip  Started  db1\nfencing   db1 proved, db2 never fired\n  db1: link 1 to db2 is down\n  db2: link 1 to db1 is down\n```\n" +
		"<!-- test: hosts -->\n```\n$ haprov up\ndb2 done fence db1 (1s)\n...\ndb1 done fence db2 (1s)\n```\n"
	steps := Steps(doc)
	const other = "db1  up\ndb2  active\nvip  Started  db2\nfencing   db1 never fired, db2 proved\n  db1: link 1 to db2 is down\n  db2: link 1 to db1 is down\n"
	if _, err := steps[0].Match(other); err == nil {
		t.Error("the other machine is the same one")
	}
	if _, err := steps[0].Match(Mirror(other)); err != nil {
		t.Error(err)
	}
	if _, err := steps[1].Match("db1 done fence db2 (3s)\ndb1 waits\ndb2 done fence db1 (4s)\n"); err != nil {
		t.Error(err)
	}
}

func TestAddressesAreNoVersionsAndNamesNoTimes(t *testing.T) {
	for in, want := range map[string]string{
		"ready: 192.168.56.100:3306":        "ready: 192.168.56.100:3306",
		"10.11.19 up 1m10s":                 "<version> up <time>",
		"db1   33       111.2 s  as wanted": "db1 33 <time> as wanted",
		"(at most 2m0s more)":               "(at most <time> more)",
		"db1 start started":                 "db1 start started",
		"07:25:44.359 supervisor":           "<date> supervisor",
		"1\t2026-11-21 07:36:40.358\tme":    "1 <date> me",
		"192.168.57.0/24 carries":           "192.168.57.0/24 carries",
		"15s, 9m59s left":                   "<time>, <time> left",
	} {
		if got := (Step{}).same(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
