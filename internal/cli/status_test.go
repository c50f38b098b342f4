package cli

import "testing"

func TestEvidenceOfSeveralLinesIsOneReason(t *testing.T) {
	got := oneReason("db1: the two sides do not talk\n  db1: StandAlone\n  db2: WFConnection\x1b[2J\n")
	if want := `db1: the two sides do not talk; db1: StandAlone; db2: WFConnection\u001b[2J`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
