package status

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"text/tabwriter"
)

// table keeps rows; each run of rows up to a gap is aligned by itself.
type table struct{ rows [][]string }

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }
func (t *table) gap()                { t.rows = append(t.rows, nil) }

func (t *table) write(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range t.rows {
		if r == nil {
			if err := tw.Flush(); err != nil {
				return err
			}
			fmt.Fprintln(w)
			continue
		}
		for i := range r {
			r[i] = clean(r[i])
		}
		for len(r) > 1 && r[len(r)-1] == "" {
			r = r[:len(r)-1]
		}
		fmt.Fprintln(tw, strings.Join(r, "\t"))
	}
	return tw.Flush()
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func sorted[T any](m map[string]T) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// columns is how wide a page is at most, where its words allow it.
const columns = 80

// fold breaks a sentence between words; further lines stand a little further in.
func fold(lead, text string) string {
	var b strings.Builder
	at := 0
	for i, word := range strings.Fields(text) {
		switch n := len([]rune(word)); {
		case i == 0:
			b.WriteString(lead + word)
			at = len(lead) + n
		case at+1+n > columns:
			b.WriteString("\n    " + word)
			at = 4 + n
		default:
			b.WriteString(" " + word)
			at += 1 + n
		}
	}
	return b.String()
}

// clean makes what a host said printable on one line.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			return '?'
		}
		return r
	}, s)
}
