package drbd

import "strings"

// Progress reads from /proc/drbd of module 8.4 how far each minor's resynchronisation is, in
// percent, as the module writes it. A minor that is not under way, or whose number cannot be read,
// is left out.
func Progress(text string) map[string]string { return percents(text, "sync'ed:") }

// Compared reads how far each minor's comparison is (drbdadm verify), in the same way.
func Compared(text string) map[string]string { return percents(text, "verified:") }

func percents(text, word string) map[string]string {
	out := map[string]string{}
	minor := ""
	for _, l := range strings.Split(text, "\n") {
		f := strings.Fields(l)
		if len(f) == 0 {
			continue
		}
		if m, ok := strings.CutSuffix(f[0], ":"); ok && m != "" && strings.Trim(m, "0123456789") == "" {
			minor = m
			continue
		}
		_, rest, ok := strings.Cut(l, word)
		number, _, percent := strings.Cut(rest, "%")
		number = strings.TrimSpace(number)
		if ok && percent && minor != "" && number != "" && len(number) <= 5 && strings.Trim(number, "0123456789.") == "" {
			out[minor] = number
		}
	}
	return out
}

// OutOfSync reads from /proc/drbd of module 8.4 how many KiB of each minor differ from its peer, as
// far as this side has counted. A minor whose number cannot be read is left out.
func OutOfSync(text string) map[string]string {
	out := map[string]string{}
	minor := ""
	for _, l := range strings.Split(text, "\n") {
		f := strings.Fields(l)
		if len(f) == 0 {
			continue
		}
		if m, ok := strings.CutSuffix(f[0], ":"); ok && m != "" && strings.Trim(m, "0123456789") == "" {
			minor = m
			continue
		}
		for _, w := range f {
			n, ok := strings.CutPrefix(w, "oos:")
			if ok && minor != "" && n != "" && len(n) <= 20 && strings.Trim(n, "0123456789") == "" {
				out[minor] = n
			}
		}
	}
	return out
}
