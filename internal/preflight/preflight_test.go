package preflight

import (
	"strings"
	"testing"
	"time"

	"haprov/internal/inventory"
	"haprov/internal/probe"
	"haprov/internal/shell/shelltest"
)

const good = "clock 1000000\nfree 4096 1000000 aa /\nID debian\nVERSION_ID \"12\"\naddress 127.0.0.1\naddress 10.0.0.1\ndisk 2147483648 /dev/vdb\nmodule drbd\ntool modprobe\n"

var needs = []Need{{Called: "it may be another's", Warn: true}, {Module: "drbd", Version: "8.4"}, {Called: "DRBD looks itself up by that name"}, {Room: "/srv/a b"}, {Tool: "modprobe", Package: "kmod"}}

func judge(answers ...string) string {
	var hosts []Host
	seen, asked := map[string]probe.Seen{}, map[string]Span{}
	for i, text := range answers {
		h := Host{Name: "db" + string(rune('1'+i)), Addresses: []string{"10.0.0.1"}, Disks: []inventory.Disk{{Name: "data", Device: "/dev/vdb", Size: 2 << 30}}, Needs: needs}
		hosts = append(hosts, h)
		asked[h.Name] = Span{time.Unix(5000000, 0), time.Unix(5000010, 0)} // a slow answer
		if text == "hung" {
			seen[h.Name] = probe.NewSeen(map[probe.Key]probe.Answer{h.Query().Key(): {State: probe.Unanswered}})
		} else if text != "" {
			seen[h.Name] = probe.NewSeen(map[probe.Key]probe.Answer{h.Query().Key(): {State: probe.Answered, Out: text}})
		}
	}
	var out []string
	for _, f := range Judge(hosts, seen, asked) {
		level := "warn"
		if f.Fail {
			level = "fail"
		}
		out = append(out, f.Host+" "+level+" "+f.Name+": "+f.Text)
	}
	return strings.Join(out, "\n")
}

func TestEachPromiseIsJudged(t *testing.T) {
	change := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	for want, second := range map[string]string{
		"": "name db2\n" + good[:strings.Index(good, "ID")] + "free 4096 10 aa /srv\n" + change("module drbd", "module drbd 8.4.11"),
		"db2 warn clock: at least 5 s apart from db1":  change("1000000\n", "1000015\n"),
		"db2 fail clock: at least 80 s apart from db1": change("1000000\n", "999910\n"),
		"db2 fail release: found \"fedora\": packages are installed by apt-get\ndb2 fail release: it runs \"fedora 12\", db1 \"debian 12\"": change("ID debian", "ID fedora"),
		"db2 fail host name: its host name is \"db2.example.org\", and DRBD looks itself up by that name":                                   "name db2.example.org\n" + good,
		"db2 fail kernel module drbd: version \"9.2.1\" is loaded, 8.4 is expected":                                                         change("module drbd", "module drbd 9.2.1"),
		"db2 fail drill: \"20261127-shop-1\" is at work":                                                                                    "drill 20261127-shop-1.heal\n" + good,
		"db2 fail login: it is not root's":                                                                                                  "login other\n" + good,
		"db2 warn release: found Debian 11\ndb2 fail release: it runs \"debian 11\", db1 \"debian 12\"":                                     change("\"12\"", "\"11\""),
		"db2 fail release: it runs \"debian forky\", db1 \"debian 12\"":                                                                     change("VERSION_ID \"12\"", "VERSION_CODENAME forky"),
		"db2 warn release: found Debian 14\ndb2 fail release: it runs \"debian 14\", db1 \"debian 12\"":                                     change("\"12\"", "\"14\""),
		"db2 fail release: found \"ubuntu 24\", which was never tried\ndb2 fail release: it runs \"ubuntu 24\", db1 \"debian 12\"":          strings.Replace(change("\"12\"", "\"24.04\""), "ID debian", "ID ubuntu\nID_LIKE debian", 1),
		"db2 fail release: it runs \"debian 13\", db1 \"debian 12\"":                                                                        change("\"12\"", "\"13\""),
		"db2 fail free space: 39 MiB free on /":                                                                                             change("4096 1000000", "4096 10000"),
		"db2 warn free space: 390 MiB free on /srv":                                                                                         strings.Replace(good, "ID debian", "free 4096 100000 bb /srv\nID debian", 1),
		"db2 fail tool modprobe: it is not there":                                                                                           change("tool modprobe\n", ""),
		"db2 fail address: none of its interfaces has 10.0.0.1":                                                                             change("10.0.0.1", "10.0.0.2"),
		"db2 fail disk data: /dev/vdb is not a block device there":                                                                          change("disk ", "x "),
		"db2 warn disk data: 3072 MiB, on db1 2048":                                                                                         change("2147483648", "3221225472"),
		"db2 fail kernel module drbd: the running kernel has none":                                                                          change("module drbd\n", ""),
		"db2 fail disk data: /dev/vdb has 1024 MiB, the inventory says 2048\ndb2 warn disk data: 1024 MiB, on db1 2048":                     change("2147483648", "1073741824"),
	} {
		if got := judge(good, second); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	upgraded := Host{Name: "db2", Mixed: true}
	if f := read(upgraded, "ID debian\nVERSION_ID 13").beside(read(Host{Name: "db1"}, "ID debian\nVERSION_ID 12")); len(f) != 1 || f[0].Fail {
		t.Errorf("hosts that are being upgraded: %v", f)
	}
	tried := Host{Name: "db2", Untried: true}
	if f := read(tried, "ID ubuntu\nID_LIKE debian\nVERSION_ID \"24.04\"").alone(); len(f) != 1 || f[0].Fail || !strings.Contains(f[0].Repair, "--untried") {
		t.Errorf("--untried: %v", f)
	}
	if f := read(tried, "ID almalinux\nID_LIKE \"rhel centos fedora\"\nVERSION_ID \"9.4\"").alone(); len(f) != 1 || !f[0].Fail {
		t.Errorf("no flag makes apt-get of dnf: %v", f)
	}
	if got := judge(good, ""); got != "" {
		t.Errorf("a host that did not answer: %q", got)
	}
	if got, want := judge(good, "hung"), "db2 warn preflight: no answer in time: disks, addresses, clock and modules were not checked"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := judge(good, "free 999999999999999999999 -1 x\n\x00 \nID \n"+good[strings.Index(good, "address"):]); got != "" {
		t.Errorf("rubbish: %q", got)
	}
}

func TestTheQuestionsAreLinted(t *testing.T) {
	h := Host{Name: "db1", Addresses: []string{"10.0.0.1"}, Disks: []inventory.Disk{{Name: "data", Device: "/dev/vdb"}}, Needs: needs}
	found, err := shelltest.Lint(map[string]string{"preflight": h.Query().Shell})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}
