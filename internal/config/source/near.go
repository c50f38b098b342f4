package source

import (
	"fmt"
	"strings"
)

// Near is the known name closest to a wrong one, or "".
func Near(wrong string, known []string) string {
	best, at := "", max(1, len(wrong)/3)+1
	for _, k := range known {
		if d := distance(wrong, k, at); d < at {
			best, at = k, d
		}
	}
	return best
}

// maxNear is the number of problems after which the nearest name is not searched any more: by far
// more than anybody reads.
const maxNear = 500

// Meant is the end of a message on a wrong name: the nearest one, else all there are.
func (r *Report) Meant(wrong string, known []string) string {
	if len(r.list) < maxNear {
		if n := Near(wrong, known); n != "" {
			return fmt.Sprintf("Did you mean %q?", n)
		}
	}
	if len(known) == 0 {
		return "There is none."
	}
	if len(known) > 12 {
		return fmt.Sprintf("There are %s and %d more.", strings.Join(known[:12], ", "), len(known)-12)
	}
	return "There is " + strings.Join(known, ", ") + "."
}

// distance counts the edits between two names, up to limit; a swap of neighbours counts one.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > 100 || len(b) > 100 {
		return limit
	}
	var two, one, row []int
	one = make([]int, len(b)+1)
	for j := range one {
		one[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row = make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(one[j]+1, row[j-1]+1, one[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], two[j-2]+1)
			}
		}
		two, one = one, row
	}
	return one[len(b)]
}
