package budget

import (
	"strconv"
	"strings"
)

// Format bounds what a format string of fmt makes, in bytes, when longest is the length of the
// longest of its arguments: its widths and precisions, and for every verb that argument with
// everything in it escaped.
func Format(format string, longest int64) int64 {
	n := int64(len(format))
	for _, verb := range strings.Split(format, "%")[1:] {
		flags, _, _ := strings.Cut(verb, " ")
		for _, d := range strings.FieldsFunc(flags, func(r rune) bool { return r < '0' || r > '9' }) {
			w, err := strconv.ParseInt(d, 10, 32)
			if err != nil {
				w = 1 << 31
			}
			n += w
		}
		n += 6 * longest
	}
	return n
}
