package haproxy

import (
	"os"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	stat, err := os.ReadFile("testdata/stat.csv")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(stat))
	f.Add("# table: writer, type: string, size:1, used:1\n0x55: key=primary use=0 exp=0 server_id=1 server_name=n1\n")
	f.Fuzz(func(t *testing.T, text string) {
		servers, err := ParseStat(text)
		if err == nil && len(servers) > strings.Count(text, "\n")+1 {
			t.Errorf("%d servers of %d lines", len(servers), strings.Count(text, "\n"))
		}
		entries, _ := ParseTable(text)
		if name, _ := Writer(servers, entries, "primary"); name != "" && !strings.Contains(text, name) {
			t.Errorf("writer %q is not in the text", name)
		}
	})
}
