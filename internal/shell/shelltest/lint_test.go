package shelltest

import (
	"os"
	"strings"
	"testing"
)

// The packages that a host must have are told to who has machines.
func TestTheDocumentListsWhatHostsNeed(t *testing.T) {
	text, err := os.ReadFile("../../../docs/real-machines.md")
	if err != nil {
		t.Fatal(err)
	}
	for p := range OnHosts {
		if !strings.Contains(string(text), p) {
			t.Errorf("docs/real-machines.md does not name %s", p)
		}
	}
}

func TestScriptsAreRead(t *testing.T) {
	found, err := Lint(map[string]string{
		"good":          "echo \"$1\"",
		"wrong":         "echo \"$1",
		"doubtful":      "rm $1",
		"of bash":       "#!/bin/bash\n[[ $1 = a* ]] && echo yes",
		"another's":     "#!/usr/bin/perl\nprint qw(a);",
		"left out here": "echo '$1'",
	})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(found, "\n")
	if !strings.Contains(all, "wrong: sh -n") || !strings.Contains(all, "doubtful: ") || strings.Contains(all, "good") || strings.Contains(all, "bash") || strings.Contains(all, "another") || strings.Contains(all, "left out") {
		t.Errorf("%s", all)
	}
}
