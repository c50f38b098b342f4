package cli

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestTheJournalStampsWholeLines(t *testing.T) {
	var b strings.Builder
	s := &stamped{to: &b}
	for _, p := range []string{"one\n", "tw", "o", "\nthree\nfour", "\n"} {
		fmt.Fprint(s, p)
	}
	if got := regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d\.\d{3} `).ReplaceAllString(b.String(), "@"); got != "@one\n@two\n@three\n@four\n" {
		t.Errorf("%q", got)
	}
}
