package mysql

import (
	"strings"
	"testing"
)

const answer = "version\t10.11.19-MariaDB-0+deb12u1\nread_only\t0\nUptime\t75\n"

func TestAServerIsRead(t *testing.T) {
	for text, want := range map[string]Server{
		answer: {"10.11.19-MariaDB-0+deb12u1", false, 75},
		strings.Replace(answer, "only\t0", "only\t1", 1):                                                                               {"10.11.19-MariaDB-0+deb12u1", true, 75},
		answer + "wsrep_provider_name\tGalera\nwsrep_cluster_status\tPrimary\nwsrep_local_state_comment\tSynced\n":                     {"10.11.19-MariaDB-0+deb12u1", false, 75},
		answer + "wsrep_provider_name\t\nwsrep_cluster_status\tDisconnected\nwsrep_local_state_comment\t\nwsrep_thread_count\t0\nx\ty": {"10.11.19-MariaDB-0+deb12u1", false, 75},
	} {
		if got, err := Parse(text); err != nil || got != want || got.Release() != "10.11.19" {
			t.Errorf("%q: %+v %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "ERROR 1040 (HY000): Too many connections", answer[:30], strings.Replace(answer, "75", "-1", 1), strings.Replace(answer, "\t0", "\t", 1), strings.Replace(answer, "-Maria", "\x1b[2J", 1), strings.Replace(answer, "-Maria", strings.Repeat("x", 99), 1)} {
		if got, err := Parse(bad); err == nil {
			t.Errorf("%.30q: %+v", bad, got)
		}
	}
}

func TestAVersionMayNameItsDistribution(t *testing.T) {
	got, err := Parse("version\t11.8.9-MariaDB-0+deb13u1 from Debian\nread_only\t0\nUptime\t75\n")
	if err != nil || got.Release() != "11.8.9" || got.Version != "11.8.9-MariaDB-0+deb13u1 from Debian" {
		t.Errorf("%+v %v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(answer)
	f.Fuzz(func(_ *testing.T, text string) { _, _ = Parse(text) })
}
