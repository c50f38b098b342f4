package lint_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"haprov/internal/lint"
	"haprov/internal/shell/shelltest"
)

// without is the files less those of a source.
func (f files) without(source string) files {
	out := maps.Clone(f)
	maps.DeleteFunc(out, func(name, _ string) bool { return f.of(name, source) })
	return out
}

// of tells whether a file is of a source, as lint's help says it.
func (f files) of(name, source string) bool {
	base := path.Base(name)
	is, _ := path.Match(source, base)
	return is || source == "haproxy*.cfg" && strings.HasSuffix(base, ".cfg") || source == "global_common.conf" && strings.Contains(name, "/drbd.d/") && strings.HasSuffix(base, ".conf")
}

// TestWhatIsAbsentNeverPasses takes away all that a check reads.
func TestWhatIsAbsentNeverPasses(t *testing.T) {
	for _, base := range []files{healthy(t, twoNodes), healthy(t, members)} {
		for _, c := range lint.Table {
			if len(c.Reads) == 0 {
				continue
			}
			f := base
			for _, s := range c.Reads {
				f = f.without(s)
			}
			if len(f) == 0 {
				continue
			}
			if x := find(t, judged(t, f), c.ID); x.Word != lint.Unknown && x.Word != lint.None || len(x.Findings) == 0 {
				t.Errorf("%s is %s without %v: %+v", c.ID, x.Word, c.Reads, x.Findings)
			}
		}
	}
}

// TestWhatIsUnreadableRanksFirst breaks one source after the other, and something else at the same time.
func TestWhatIsUnreadableRanksFirst(t *testing.T) {
	free := []string{"crm_verify.txt", "corosync-qdevice-tool.txt", "drbd-proc.txt", "drbd-module.txt", "drbd-verified.txt", "sbd", "logind.conf", "units.txt", "packages.txt", "sysctl.txt", "clock.txt", "links.txt", "machine.txt"}
	for _, base := range []files{healthy(t, twoNodes), healthy(t, members)} {
		for _, s := range lint.Sources {
			if slices.Contains(free, s.Name) { // lines of any form: what is wanted is missing then
				continue
			}
			f := maps.Clone(base)
			broken := false
			clean := judged(t, base)
			if !slices.ContainsFunc(clean.Results, func(x lint.Result) bool { return x.Word != lint.None && slices.Contains(x.Reads, s.Name) }) {
				continue // no check of this stack asks for it
			}
			for name := range f {
				if f.of(name, s.Name) {
					f[name], broken = "\x00 { }} [\n<", true
				}
			}
			if !broken {
				continue
			}
			r := judged(t, f)
			for _, x := range r.Results {
				if x.Word == lint.OK && len(x.Reads) == 1 && x.Reads[0] == s.Name {
					t.Errorf("%s is ok, and %s is garbage", x.ID, s.Name)
				}
			}
			if r.Count[lint.Unreadable] == 0 || !r.Failed() {
				t.Errorf("%s is garbage, and nothing is unreadable: %v", s.Name, r.Count)
			}
		}
	}
	f := healthy(t, twoNodes)
	edit{"db1", "corosync.conf", "token: 5000", "token: 5"}.apply(t, f)
	f["db2/etc/corosync/corosync.conf"] = "totem {"
	x := find(t, judged(t, f), "corosync-token")
	if x.Word != lint.Unreadable || len(x.Findings) != 2 || x.Findings[0].Word != lint.Unreadable || x.Findings[1].Word != lint.Bad {
		t.Errorf("unreadable is first, and what is bad is told too: %s %+v", x.Word, x.Findings)
	}
}

func TestAHostThatWasNotReachedIsNoPass(t *testing.T) {
	f := healthy(t, twoNodes)
	answers := f.bundles()
	delete(answers, "db2")
	r := lint.Judge(lint.FromAnswers("shop", []string{"db1", "db2"}, answers, map[string]string{"db2": "no route to host"}, now), nil)
	if x := find(t, r, "reached"); x.Word != lint.Unreadable || x.Findings[0].Host != "db2" || x.Findings[0].Found != "no route to host" || !r.Failed() {
		t.Errorf("%+v", x)
	}
	if x := find(t, r, "corosync-same"); x.Word != lint.Unknown {
		t.Errorf("one file of two cannot be compared: %s %+v", x.Word, x.Findings)
	}
	for _, answer := range []string{"", "bash: sh: not found", "haprov-facts 1\n", "haprov-facts 1\n@ read 99 x\nshort\n", "haprov-facts 1\n@ read -1 x\n\n", "haprov-facts 1\n@ lost 1 x\na\nend\n", "haprov-facts 1\n@ read 1 hostname\na\n", "haprov-facts 1\nend\n", "haprov-facts 1\ngarbage"} {
		r := lint.Judge(lint.FromAnswers("shop", []string{"db1"}, map[string]string{"db1": answer}, nil, now), nil)
		if x := find(t, r, "reached"); x.Word != lint.Unreadable || !strings.Contains(x.Findings[0].Found, "cannot be read") {
			t.Errorf("%q: %+v", answer, x)
		}
		if r.Count[lint.OK] != 0 {
			t.Errorf("%q: something is ok", answer)
		}
	}
}

// TestAFolderSaysWhatTheHostsSay reads the same files in each form that a folder may have.
func TestAFolderSaysWhatTheHostsSay(t *testing.T) {
	f := healthy(t, twoNodes)
	words := func(r lint.Report) map[string]lint.Word {
		out := map[string]lint.Word{}
		for _, x := range r.Results {
			out[x.ID] = x.Word
		}
		return out
	}
	want := words(judged(t, f))
	read := func(dir string) (lint.Report, *lint.Facts) {
		x, err := lint.FromFolder(dir, now)
		if err != nil {
			t.Fatal(err)
		}
		return lint.Judge(x, nil), x
	}
	r, _ := read(f.folder(t))
	if got := words(r); !maps.Equal(got, want) {
		t.Errorf("a folder for each host: %v, want %v", got, want)
	}
	dir := t.TempDir()
	for h, text := range f.bundles() {
		if err := os.WriteFile(filepath.Join(dir, h+".facts"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, _ = read(dir)
	if got := words(r); !maps.Equal(got, want) || !slices.Equal(r.Hosts, []string{"db1", "db2"}) {
		t.Errorf("an answer for each host: %v", got)
	}
	one := files{}
	for name, text := range f {
		if rest, ok := strings.CutPrefix(name, "db1/"); ok {
			one[path.Base(rest)] = text
		}
	}
	r, _ = read(one.folder(t))
	if x := find(t, r, "corosync-token"); x.Word != lint.OK || !slices.Equal(r.Hosts, []string{"db1"}) {
		t.Errorf("one host's files: %+v %v", x, r.Hosts)
	}
	shared := f.without("cib.xml").without("crm_mon.xml")
	shared["cib.xml"], shared["crm_mon.xml"], shared["notes.txt"], shared["fstab"] = f["db1/cib.xml"], f["db1/crm_mon.xml"], "x", "y"
	r, x := read(shared.folder(t))
	if got := words(r); !maps.Equal(got, want) {
		t.Errorf("the CIB beside the hosts: %v", got)
	}
	if !slices.Contains(x.Unused, "notes.txt") || !slices.Contains(x.Unused, "fstab") {
		t.Errorf("what nobody reads is named: %v", x.Unused)
	}
}

func TestAFolderOfNothingIsAnError(t *testing.T) {
	for name, f := range map[string]files{"empty": {}, "other files": {"readme.md": "x", "db1/notes": "y"}} {
		if _, err := lint.FromFolder(f.folder(t), now); !errors.Is(err, lint.ErrFolder) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := lint.FromFolder(filepath.Join(t.TempDir(), "none"), now); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	many := t.TempDir()
	for i := range 4200 {
		if err := os.WriteFile(fmt.Sprintf("%s/%d.res", many, i), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := lint.FromFolder(many, now); !errors.Is(err, lint.ErrFolder) {
		t.Error(err)
	}
}

// TestAHostileFolderIsNoTrap: links out of it, devices and files without end are unreadable, and nothing
// waits.
func TestAHostileFolderIsNoTrap(t *testing.T) {
	dir := healthy(t, twoNodes).folder(t)
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("totem {\n token: 1234567\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, do := range []error{
		os.Remove(at("db1/etc/corosync/corosync.conf")), os.Symlink(outside, at("db1/etc/corosync/corosync.conf")),
		os.Remove(at("db1/cib.xml")), syscall.Mkfifo(at("db1/cib.xml"), 0o600),
		os.Remove(at("db2/crm_mon.xml")), os.WriteFile(at("db2/crm_mon.xml"), []byte(strings.Repeat("<a>", 1<<18)), 0o600),
		os.Remove(at("db2/fstab")), os.WriteFile(at("db2/fstab"), nil, 0o600), os.Truncate(at("db2/fstab"), 1<<40),
	} {
		if do != nil {
			t.Fatal(do)
		}
	}
	begin := time.Now()
	f, err := lint.FromFolder(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	r := lint.Judge(f, nil)
	for _, id := range []string{"corosync-token", "fstab", "failed-actions"} {
		if x := find(t, r, id); x.Word != lint.Unreadable {
			t.Errorf("%s is %s: %+v", id, x.Word, x.Findings)
		}
	}
	text, _ := json.Marshal(r)
	if strings.Contains(string(text), "1234567") {
		t.Error("a link out of the folder was followed")
	}
	if d := time.Since(begin); d > 20*time.Second {
		t.Errorf("took %s", d)
	}
}

// TestNoSecretIsTold puts secrets wherever configurations have them, and breaks what can be broken there.
func TestNoSecretIsTold(t *testing.T) {
	const secret = "hunter2hunter2"
	for _, end := range []string{"", "}}{ \"", "\n\x00["} {
		f := files{
			"db1/mysql.res":       "resource r {\n net {\n shared-secret \"" + secret + "\";\n }\n on a { }\n}\n" + end,
			"db1/my.cnf":          "[mysqld]\nwsrep_on=ON\nwsrep_sst_auth=sst:" + secret + "\nwsrep_sst_method=mariabackup\n" + end,
			"db1/keepalived.conf": "vrrp_instance a {\n authentication {\n auth_pass " + secret + "\n }\n}\n" + end,
			"db1/haproxy.cfg":     "listen a\n stats auth admin:" + secret + "\n server a 192.0.2.1:3306 check\n" + end,
			"db1/cib.xml":         `<cib><configuration><resources><primitive id="f" class="stonith" type="fence_ipmilan"><instance_attributes id="x"><nvpair id="y" name="passwd" value="` + secret + `"/></instance_attributes></primitive></resources></configuration></cib>` + end,
			"db1/corosync.conf":   "totem {\n key: " + secret + "\n}\n" + end,
			"db2/corosync.conf":   "totem {\n key: other" + secret + "\n}\n" + end,
			"db1/variables.tsv":   "wsrep_sst_auth\t" + secret + "\nwsrep_on\tON\n",
		}
		r := judged(t, f)
		text, err := json.Marshal(r)
		sarif, err2 := lint.SARIF([]lint.Report{r})
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text)+string(sarif), secret) {
			t.Errorf("with %q at the end a secret is told", end)
		}
	}
}

// TestTheCollectorReadsAndTakesSecretsOut runs it with programs of this test in the place of the
// cluster's.
func TestTheCollectorReadsAndTakesSecretsOut(t *testing.T) {
	if found, err := shelltest.Lint(map[string]string{"collector": lint.Collector()}); err != nil || len(found) > 0 {
		t.Errorf("%v %s", err, strings.Join(found, "\n"))
	}
	const secret = "hunter2hunter2"
	root, bin := t.TempDir(), t.TempDir()
	put := func(path, text string, mode os.FileMode) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), mode)); err != nil {
			t.Fatal(err)
		}
	}
	put(root+"/etc/corosync/corosync.conf", "totem {\n token: 3000\n}\n", 0o600)
	put(root+"/etc/drbd.d/r.res", "resource r {\n net { shared-secret \""+secret+"\"; protocol C; }\n}\n", 0o600)
	put(root+"/etc/mysql/mariadb.conf.d/x.cnf", "[mysqld]\nwsrep_sst_auth = sst:"+secret+"\nsync_binlog = 1\n", 0o600)
	put(root+"/etc/keepalived/keepalived.conf", "vrrp_instance a {\n auth_pass "+secret+"\n}\n", 0o600)
	put(root+"/etc/drbd.d/open.res", "resource s { }\n", 0o644)
	put(root+"/etc/haproxy/haproxy.cfg", "listen a\n stats auth admin:"+secret+"\n user a insecure-password "+secret+"\n", 0o600)
	put(bin+"/cibadmin", "#!/bin/sh\necho '<cib><configuration><resources><primitive class=\"stonith\" id=\"f\" type=\"fence_x\"><instance_attributes id=\"i\"><nvpair id=\"a\" name=\"passwd\" value=\""+secret+"\"/><nvpair value=\""+secret+"\" id=\"b\" name=\"snmp_priv_passwd\"/></instance_attributes></primitive></resources></configuration></cib>'\n", 0o755)
	put(bin+"/mariadb", "#!/bin/sh\necho \"ERROR 2002 (HY000): Can't connect to local server\" >&2\nexit 1\n", 0o755)
	put(bin+"/corosync-cmapctl", "#!/bin/sh\nexec sleep 60\n", 0o755)
	put(bin+"/crm_mon", "#!/bin/sh\necho no cluster >&2\nexit 102\n", 0o755)
	put(bin+"/timeout", "#!/bin/sh\nshift 3\nexec /usr/bin/timeout -k 1 1 \"$@\"\n", 0o755) // a second instead of ten
	script := strings.NewReplacer("/etc/", root+"/etc/", "PATH=$PATH:", "PATH="+bin+":$PATH:").Replace(lint.Collector())
	c := exec.Command("sh")
	c.Stdin = strings.NewReader(script)
	var said strings.Builder
	c.Stderr = &said
	begin := time.Now()
	out, err := c.Output()
	if err != nil || said.Len() > 0 || time.Since(begin) > 30*time.Second {
		t.Fatalf("%v, %q, after %s", err, said.String(), time.Since(begin))
	}
	if strings.Contains(string(out), secret) {
		t.Errorf("a secret is left:\n%s", out)
	}
	r := lint.Judge(lint.FromAnswers("shop", []string{"db1"}, map[string]string{"db1": string(out)}, nil, now), nil)
	for id, want := range map[string]lint.Word{"reached": lint.OK, "corosync-token": lint.OK, "drbd-protocol": lint.OK, "fencing-on": lint.OK, "corosync-running": lint.Unreadable, "failed-actions": lint.Unreadable, "durability": lint.OK} {
		if x := find(t, r, id); x.Word != want {
			t.Errorf("%s is %s, want %s: %+v", id, x.Word, want, x.Findings)
		}
	}
	for what, want := range map[string]bool{"600 root root - " + root + "/etc/drbd.d/r.res": true, "/etc/keepalived/keepalived.conf\n": true, "open.res\n": false} {
		modes := string(out)[strings.Index(string(out), " modes.txt\n"):]
		if strings.Contains(modes, what) != want {
			t.Errorf("files with secrets: %q is there: %v\n%s", what, !want, modes)
		}
	}
	if x := find(t, r, "corosync-running"); !strings.Contains(x.Findings[0].Found, "exit 124") {
		t.Errorf("what hung is told: %+v", x.Findings)
	}
	left := 0
	if err := filepath.WalkDir(root, func(_ string, d os.DirEntry, err error) error {
		if !d.IsDir() {
			left++
		}
		return err
	}); err != nil || left != 6 {
		t.Errorf("%d files, %v: it writes nothing", left, err)
	}
}

// TestALargeConfigurationIsNoTrap: questions go over all of one for each of another.
func TestALargeConfigurationIsNoTrap(t *testing.T) {
	f := healthy(t, twoNodes)
	var prims, links, res, addr strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&prims, `<primitive id="p%d" class="ocf" provider="heartbeat" type="Filesystem"><instance_attributes id="i%d"><nvpair id="n%d" name="device" value="/dev/drbd0"/></instance_attributes></primitive>`, i, i, i)
		fmt.Fprintf(&links, `<rsc_colocation id="c%d" rsc="p%d" with-rsc="p%d" score="INFINITY"/>`, i, i, i+1)
		fmt.Fprintf(&res, "resource r%d { net { protocol C; } }\n", i)
		fmt.Fprintf(&addr, "2: eth0 inet 10.%d.%d.1/24\n", i/256, i%256)
	}
	// as large as it may be
	var p2, l2 strings.Builder
	for i := range 500 {
		fmt.Fprintf(&p2, `<primitive id="p%d" class="ocf" provider="heartbeat" type="Filesystem"><instance_attributes id="i%d"><nvpair id="n%d" name="device" value="/dev/drbd0"/></instance_attributes></primitive>`, i, i, i)
		for j := range 4 {
			fmt.Fprintf(&l2, `<rsc_colocation id="c%d-%d" rsc="p%d" with-rsc="p%d" score="INFINITY"/>`, i, j, i, (i+j*7+1)%500)
		}
	}
	f["db1/cib.xml"] = "<cib><configuration><resources>" + p2.String() + "</resources><constraints>" + l2.String() + "</constraints></configuration></cib>"
	begin := time.Now()
	if x := find(t, judged(t, f), "drbd-constraints"); x.Word != lint.Bad || len(x.Findings) > 64 {
		t.Errorf("%s, %d findings", x.Word, len(x.Findings))
	}
	t.Logf("as large as it may be: %s", time.Since(begin))
	f["db1/cib.xml"] = "<cib><configuration><resources>" + prims.String() + "</resources><constraints>" + links.String() + "</constraints></configuration></cib>"
	f["db1/drbd.d/r.res"], f["db1/addresses.txt"] = res.String(), addr.String()
	delete(f, "db2/cib.xml")
	r := judged(t, f)
	for _, id := range []string{"drbd-constraints", "drbd-protocol", "vip-subnet"} {
		if x := find(t, r, id); x.Word != lint.Unreadable && x.Word != lint.None {
			t.Errorf("%s is %s: %+v", id, x.Word, x.Findings)
		}
	}
	if d := time.Since(begin); d > 20*time.Second {
		t.Errorf("took %s", d)
	}
}

func TestSARIFNamesPlaces(t *testing.T) {
	f := healthy(t, twoNodes)
	edit{"db1", "mysql.res", "protocol C;", "protocol A;"}.apply(t, f)
	text, err := lint.SARIF([]lint.Report{judged(t, f)})
	if err != nil {
		t.Fatal(err)
	}
	var log struct {
		Version string
		Runs    []struct {
			Results []struct {
				RuleID, Level, Kind string
				Locations           []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
			}
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
		}
	}
	if err := json.Unmarshal(text, &log); err != nil || log.Version != "2.1.0" || len(log.Runs) != 1 || len(log.Runs[0].Tool.Driver.Rules) != len(lint.Table) {
		t.Fatalf("%v %.200s", err, text)
	}
	for _, x := range log.Runs[0].Results {
		if x.RuleID == "drbd-protocol" {
			if at := x.Locations[0].PhysicalLocation; x.Level != "error" || x.Kind != "fail" || at.ArtifactLocation.URI != "db1/etc/drbd.d/mysql.res" || at.Region.StartLine != 3 {
				t.Errorf("%+v", x)
			}
			return
		}
	}
	t.Error("the finding is not there")
}

func TestAnExceptionIsTold(t *testing.T) {
	f := healthy(t, twoNodes)
	edit{"*", "mysql.res", "    verify-alg crc32c;\n", ""}.apply(t, f)
	r := judged(t, f, "drbd-verify-alg")
	if x := find(t, r, "drbd-verify-alg"); x.Word != lint.None || x.Findings[0].Found != "left out by the user" || r.Failed() {
		t.Errorf("%+v", x)
	}
}

func TestAdviceIsNoFault(t *testing.T) {
	f := healthy(t, twoNodes)
	edit{"*", "corosync.conf", "  consensus: 1000\n", ""}.apply(t, f)
	edit{"*", "corosync-cmapctl.txt", "runtime.config.totem.consensus (u32) = 1000", "x (u32) = 1"}.apply(t, f)
	if r := judged(t, f); r.Failed() || r.Found["advice"] != 1 {
		t.Errorf("%v", r.Found)
	}
}

// FuzzAnswer: whatever a host answers, no secret of nobody, no panic, and no pass of what is not there.
func FuzzAnswer(f *testing.F) {
	f.Add("haprov-facts 1\n@ read 19 etc/corosync/corosync.conf\ntotem {\n token: 1\n}\nend\n")
	f.Add("haprov-facts 1\n@ read 76 cib.xml\n<cib><configuration><resources><primitive id=\"a\"/></resources></configuration></cib>\nend\n")
	for _, s := range lint.Sources {
		f.Add(fmt.Sprintf("haprov-facts 1\n@ read 3 %s\na b\n@ failed 1 %s\nx\n@ absent 1 x\nx\nend\n", s.Name, s.Name))
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := lint.Judge(lint.FromAnswers("c", []string{"a", "b"}, map[string]string{"a": text, "b": text}, nil, now), nil)
		if _, err := json.Marshal(r); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzSource: one source of any text.
func FuzzSource(f *testing.F) {
	for i := range lint.Sources {
		f.Add(i, "a {\n b: c\n}\n")
		f.Add(i, "<cib><configuration/></cib>")
		f.Add(i, "a\tb\n/dev/vda / 1% x y z\n")
	}
	f.Fuzz(func(t *testing.T, i int, text string) {
		s := lint.Sources[uint(i)%uint(len(lint.Sources))]
		name := strings.ReplaceAll(s.Name, "*", "x")
		answer := fmt.Sprintf("haprov-facts 1\n@ read %d %s\n%s\nend\n", len(text), name, text)
		lint.Judge(lint.FromAnswers("c", []string{"a", "b"}, map[string]string{"a": answer, "b": answer}, nil, now), nil)
	})
}

func TestAServerOfAnotherMakeHasOtherVersions(t *testing.T) {
	f := healthy(t, twoNodes)
	for _, h := range []string{"db1", "db2"} {
		edit{h, "variables.tsv", "", "version\t8.0.36\nversion_comment\tMySQL Community Server - GPL\n"}.apply(t, f)
	}
	if x := find(t, judged(t, f), "server-version"); x.Word != lint.None {
		t.Errorf("%s %+v", x.Word, x.Findings)
	}
}

func TestAMachineWithoutAClockOfItsOwnIsNotJudgedByIt(t *testing.T) {
	f := healthy(t, twoNodes)
	edit{"*", "clock.txt", "NTPSynchronized=yes", "NTPSynchronized=no\nVirtualization=uml"}.apply(t, f)
	if x := find(t, judged(t, f), "clock"); x.Word != lint.None {
		t.Errorf("%s %+v", x.Word, x.Findings)
	}
}

// TestRealAnswersAreRead lints what the collector printed on a Debian 12 where Corosync 3.1.7 and Pacemaker
// 2.1.5 ran with the rendered configuration of the two-node stack, alone and without DRBD; then after a
// ban, a standby, maintenance-mode, a resource that is not managed, another token in the file and another
// mode of the key.
func TestRealAnswersAreRead(t *testing.T) {
	read := func(name string) lint.Report {
		text, err := os.ReadFile(filepath.Join(source, "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return lint.Judge(lint.FromAnswers("shop", []string{"db1"}, map[string]string{"db1": string(text)}, nil, now), nil)
	}
	well := read("pacemaker-2.1.5-well.facts")
	for _, id := range strings.Fields("corosync-running corosync-token corosync-crypto corosync-links corosync-key corosync-quorum corosync-names fencing-on fencing-devices fencing-delay left-constraints left-maintenance resource-defaults drbd-clone drbd-constraints service-together monitors server-timeouts crm-verify failed-actions") {
		if x := find(t, well, id); x.Word != lint.OK {
			t.Errorf("%s is %s: %+v", id, x.Word, x.Findings)
		}
	}
	if x := find(t, well, "fencing-fired"); x.Word != lint.Bad || well.Count[lint.Unreadable] != 0 {
		t.Errorf("nobody was fenced: %+v", x)
	}
	broken := read("pacemaker-2.1.5-broken.facts")
	for id, found := range map[string]string{
		"left-constraints": "cli-ban-mysql-on-db2", "left-maintenance": "mysql-vip is not managed", "corosync-running": "runs with runtime.config.totem.token = 5000",
		"corosync-token": "token is 900 ms", "corosync-key": "authkey has mode 644",
	} {
		if x := find(t, broken, id); !slices.ContainsFunc(x.Findings, func(f lint.Finding) bool { return strings.Contains(f.Found, found) }) {
			t.Errorf("%s does not say %q: %+v", id, found, x.Findings)
		}
	}
}
