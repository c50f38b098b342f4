package mysql

import (
	"slices"
	"strings"
	"testing"
)

func TestOptionsAreReadAsTheServerReadsThem(t *testing.T) {
	got, err := ParseOptions("# c\n[mysqld]\ninnodb-flush-log-at-trx-commit = 1 # safe\nskip-name-resolve\nskip-log-bin\nskip-innodb-doublewrite\nloose_x=\"a # b\"\nlog_bin\n!includedir /etc/x\n[Client]\nport=3307\n")
	want := []Option{{"mysqld", "innodb_flush_log_at_trx_commit", "1", 3}, {"mysqld", "skip_name_resolve", "ON", 4}, {"mysqld", "skip_log_bin", "ON", 5},
		{"mysqld", "innodb_doublewrite", "OFF", 6}, {"mysqld", "x", "a # b", 7}, {"mysqld", "log_bin", "ON", 8}, {"client", "port", "3307", 11}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v\n%v", got, err)
	}
	for text, want := range map[string]string{"secret = x": "before the first group", "[mysqld\nsecret": "without ]", "[mysqld]\n= secret": "no name", strings.Repeat("\n", 1<<15): "more than"} {
		if _, err := ParseOptions(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
	for group, want := range map[string]bool{"mysqld": true, "mariadb-10.11": true, "galera": true, "mysqldump": false, "mariadb-dump": false, "client": false, "sst": false} {
		if OfServer(group) != want {
			t.Errorf("%s: %v", group, !want)
		}
	}
}

func TestPairs(t *testing.T) {
	m, err := ParsePairs("Variable_name\tValue\nsync_binlog\t1\nWSREP_ON\tOFF\nempty\t\n")
	if err != nil || len(m) != 3 || m["wsrep_on"] != "OFF" {
		t.Errorf("%v %v", m, err)
	}
	if m, err := ParsePairs("ERROR 2002 (HY000): Can't connect"); err == nil {
		t.Errorf("%v", m)
	}
}

func FuzzParseOptions(f *testing.F) {
	f.Add("[mysqld]\na = \"b\"\nskip-x\n")
	f.Fuzz(func(_ *testing.T, text string) {
		ParseOptions(text)
		ParsePairs(text)
	})
}
