package probe

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"haprov/internal/shell"
)

// section is one part of a script: several queries of a sort answered by one process, or one
// command.
type section struct {
	queries []Query
	text    string
}

// maxArgument keeps each part below Linux's limit of 128 KiB for one argument.
const maxArgument = 90 << 10

// Script joins queries into one POSIX shell text whose output Parse reads. The nonce parts the
// answers; the host must not be able to foresee it. The text runs under timeout(1): a question
// that hangs ends the rest of its part, and Parse returns what was not reached.
func Script(qs []Query, nonce string) string {
	var b strings.Builder
	var part strings.Builder
	limit := time.Duration(0)
	flush := func() {
		if part.Len() == 0 {
			return
		}
		fmt.Fprintf(&part, "printf '\\n%s .\\n'\n", nonce)
		secs := int((20*time.Second + limit) / time.Second)
		fmt.Fprintf(&b, "timeout -k 2 %d sh -c %s 2>/dev/null\n", secs, shell.Quote(part.String()))
		part.Reset()
		limit = 0
	}
	for i, s := range sections(qs) {
		if part.Len() > 0 && part.Len()+len(s.text) > maxArgument/2 {
			flush()
		}
		if part.Len() == 0 {
			part.WriteString("export LC_ALL=C QUOTING_STYLE=literal\n")
		}
		fmt.Fprintf(&part, "printf '\\n%s %d\\n'\n%s\n", nonce, i, s.text)
		for _, q := range s.queries {
			if q.Kind == Command {
				fmt.Fprintf(&part, "printf '\\n%s = %%s\\n' $?\n", nonce)
				limit = max(limit, q.timeout())
			}
			if q.Kind == File {
				limit += q.Timeout
			}
		}
	}
	flush()
	return b.String()
}

// Deadline is how long the host may take to answer the queries, with room for a slow connection.
func Deadline(qs []Query) time.Duration {
	d := 60 * time.Second
	for _, q := range qs {
		if q.Kind == Command {
			d += q.timeout()
		}
		if q.Kind == File {
			d += q.Timeout
		}
	}
	return d
}

// Slower gives the queries for a host that is slower by a factor: their time-outs are longer.
func Slower(qs []Query, by float64) []Query {
	if by <= 1 {
		return qs
	}
	out := slices.Clone(qs)
	for i, q := range out {
		if q.Kind == Command {
			out[i].Timeout = time.Duration(float64(q.timeout()) * by)
		} else {
			out[i].Timeout = time.Duration(float64(q.Timeout) * by)
		}
	}
	return out
}

func (q Query) timeout() time.Duration {
	if q.Timeout > 0 {
		return q.Timeout
	}
	return DefaultTimeout
}

func (q Query) max() int {
	if q.Max > 0 {
		return q.Max
	}
	return DefaultMax
}

// order puts cheap and safe sections first, commands last: a hang costs the fewest answers.
var order = []Kind{Package, User, Group, File, Sysctl, Module, Owed, Mount, Text, Block, Unit}

func sections(qs []Query) []section {
	by := map[Kind][]Query{}
	for _, q := range Unique(qs) {
		by[q.Kind] = append(by[q.Kind], q)
	}
	var out []section
	for _, k := range order {
		if len(by[k]) == 0 {
			continue
		}
		if k == Text || k == Block {
			for _, q := range by[k] {
				out = append(out, section{[]Query{q}, single(q)})
			}
			continue
		}
		out = append(out, section{by[k], bulk(k, by[k])})
	}
	for _, q := range by[Command] {
		out = append(out, section{[]Query{q}, "( eval " + shell.Quote(q.Shell) + " ) </dev/null 2>&1"})
	}
	return out
}

// Unique drops repeated questions and sorts nothing: the first of each key stays.
func Unique(qs []Query) []Query {
	had := make(map[Key]bool, len(qs))
	out := make([]Query, 0, len(qs))
	for _, q := range qs {
		if k := q.Key(); !had[k] {
			had[k] = true
			out = append(out, q)
		}
	}
	return out
}

func names(qs []Query) string {
	n := make([]string, len(qs))
	for i, q := range qs {
		n[i] = q.Name
	}
	return shell.Join(n...)
}

func bulk(k Kind, qs []Query) string {
	switch k {
	case Package:
		return "dpkg-query -W -f='${Package} ${db:Status-Abbrev} ${Version}\\n' -- " + names(qs)
	case User:
		return "getent passwd -- " + names(qs)
	case Group:
		return "getent group -- " + names(qs)
	case File:
		// %N with literal quoting is "name -> target" for a link.
		t := "stat -c '%n|%F|%U|%G|%a|%s|%N' -- " + names(qs)
		var read []Query
		for _, q := range qs {
			if !strings.HasPrefix(q.Name, "/dev/") { // never read a device to its end
				read = append(read, q)
			}
		}
		if len(read) > 0 {
			t += "\nsha256sum -- " + names(read)
		}
		return t
	case Sysctl:
		p := make([]string, len(qs))
		for i, q := range qs {
			p[i] = sysctlPath(q.Name)
		}
		// Not the shell's read: dash reads a byte at a time, and /proc/sys answers only the first.
		return "grep -s '' " + shell.Join(p...) + " /dev/null"
	case Module:
		return "for m in " + names(qs) + "; do d=$m; case $m in *-*) d=$(printf %s \"$m\" | tr - _);; esac; [ -d \"/sys/module/$d\" ] && printf '%s\\n' \"$m\"; done"
	case Owed:
		return "for u in " + names(qs) + "; do for w in restart reload; do [ -e \"/run/haprov/owed/$u.$w\" ] && printf '%s %s\\n' \"$u\" $w; done; done"
	case Mount:
		return "cat /proc/self/mounts"
	case Unit:
		// One that fails where systemd runs ends the part: no answer, rather than that no unit is there.
		return "systemctl show -p Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,Job -- " + names(qs) + " || [ ! -d /run/systemd/system ] || exit 1"
	}
	panic("probe: no bulk question for " + k)
}

func single(q Query) string {
	n := shell.Quote(q.Name)
	if q.Kind == Text {
		return fmt.Sprintf("[ -f %s ] && { printf 'x\\n'; head -c %d -- %s; }", n, q.max(), n)
	}
	return "d=" + n + `; if [ -b "$d" ]; then s=$(blockdev --getsize64 "$d"); k=$((s/1048576-1)); [ "$k" -ge 0 ] || k=0
z=$({ dd if="$d" bs=1M count=1 && dd if="$d" bs=1M skip=$k || echo unread; } 2>/dev/null | tr -d '\000' | head -c 1 | wc -c)
[ "$z" = 0 ] && z=blank || z=data; h=$(blkid -p -o export "$d" 2>/dev/null | grep -v ^DEVNAME= | tr '\n' ' '); printf '%s|%s|%s\n' "$s" "$z" "$h"; fi`
}

func sysctlPath(key string) string { return "/proc/sys/" + strings.ReplaceAll(key, ".", "/") }

// Parse reads what Script's text printed. Questions that began and did not end are Unanswered;
// rest are those that were never reached and should be asked again, without the unanswered ones.
func Parse(qs []Query, nonce string, out []byte) (answers map[Key]Answer, rest []Query) {
	ss := sections(qs)
	answers = make(map[Key]Answer, len(qs))
	reached := make([]bool, len(ss))
	open, exit, body := -1, -1, ""
	end := func() {
		if open >= 0 {
			ss[open].read(body, exit, answers)
		}
		open, exit = -1, -1
	}
	mark := "\n" + nonce + " "
	for _, chunk := range strings.Split(string(out), mark)[1:] {
		head, text, _ := strings.Cut(chunk, "\n")
		switch {
		case head == ".":
			end()
		case strings.HasPrefix(head, "= "):
			exit, _ = strconv.Atoi(head[2:])
		default:
			i, err := strconv.Atoi(head)
			if err != nil || i < 0 || i >= len(ss) {
				continue
			}
			end()
			open, body, reached[i] = i, text, true
		}
	}
	if open >= 0 { // the part was ended while this question was at work
		if exit >= 0 {
			end()
		} else {
			for _, q := range ss[open].queries {
				answers[q.Key()] = Answer{State: Unanswered}
			}
		}
	}
	for i, s := range ss {
		if !reached[i] {
			rest = append(rest, s.queries...)
		}
	}
	return answers, rest
}

// read turns a section's output into answers. Every query gets one.
func (s section) read(body string, exit int, into map[Key]Answer) {
	q0 := s.queries[0]
	switch q0.Kind {
	case Command:
		if exit < 0 {
			into[q0.Key()] = Answer{State: Unanswered}
			return
		}
		// A copy: a short answer must not keep all that the host printed.
		into[q0.Key()] = Answer{State: Answered, Exit: exit, Out: strings.Clone(cut(strings.TrimSuffix(body, "\n"), q0.max()))}
		return
	case Text:
		text, ok := strings.CutPrefix(body, "x\n")
		a := Answer{State: Answered, Out: strings.Clone(cut(text, q0.max()))}
		if !ok {
			a.Exit = 1
		}
		into[q0.Key()] = a
		return
	case Block:
		into[q0.Key()] = Answer{State: Answered, Out: strings.Clone(strings.TrimSpace(cut(body, q0.max())))}
		return
	}
	found := records(q0.Kind, s.queries, body)
	for _, q := range s.queries {
		into[q.Key()] = Answer{State: Answered, Out: found[q.Name]}
	}
}

// maxRecord is how many bytes of one record are kept; the longest honest one is a path and its link's.
const maxRecord = 16 << 10

// records finds each name's record in the output of a bulk question. What was not asked for is not
// kept: the output is as long as the host likes.
func records(k Kind, qs []Query, body string) map[string]string {
	out := make(map[string]string, len(qs))
	for _, q := range qs {
		out[q.Name] = ""
	}
	keep := func(name, record string) {
		if _, asked := out[name]; asked {
			out[name] = strings.Clone(cut(record, maxRecord))
		}
	}
	lines := strings.SplitSeq(body, "\n")
	switch k {
	case Unit:
		// One block a unit, in the order asked; Id is another name where the unit is an alias.
		for i, b := range strings.SplitN(strings.TrimSpace(body), "\n\n", len(qs)+1) {
			if i < len(qs) {
				keep(qs[i].Name, b)
			}
		}
	case File:
		readFiles(body, out, keep)
	case Mount:
		for l := range lines {
			if f := strings.Fields(cut(l, maxRecord)); len(f) >= 4 {
				keep(unescapeMount(f[1]), l) // the last one wins: it lies on top
			}
		}
	case Sysctl:
		names := make(map[string]string, len(qs))
		for _, q := range qs {
			names[sysctlPath(q.Name)] = q.Name
		}
		for l := range lines {
			if path, v, ok := strings.Cut(l, ":"); ok {
				if name, asked := names[path]; asked {
					keep(name, v)
				}
			}
		}
	case Module:
		for l := range lines {
			keep(l, l)
		}
	default: // name, separator, record
		sep := " "
		if k == User || k == Group {
			sep = ":"
		}
		for l := range lines {
			name, rest, ok := strings.Cut(l, sep)
			switch {
			case !ok:
			case k == Owed:
				keep(name, strings.TrimSpace(out[name]+" "+rest))
			case k == Package:
				keep(name, rest)
			default:
				keep(name, l)
			}
		}
	}
	return out
}

func readFiles(body string, out map[string]string, keep func(name, record string)) {
	sums := map[string]string{}
	for l := range strings.SplitSeq(body, "\n") {
		if len(l) > 66 && l[64:66] == "  " && !strings.Contains(l[:64], "|") {
			if _, asked := out[l[66:]]; asked {
				sums[l[66:]] = l[:64]
			}
		}
	}
	for l := range strings.SplitSeq(body, "\n") {
		p := strings.SplitN(l, "|", 7)
		if len(p) < 7 {
			continue
		}
		name, target := p[0], ""
		if t, ok := strings.CutPrefix(p[6], name+" -> "); ok {
			target = t
		}
		keep(name, strings.Join([]string{p[1], p[2], p[3], p[4], p[5], sums[name], target}, "|"))
	}
}

func unescapeMount(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
