package secret

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
)

// Shortest is how many bytes a secret needs to be recognised in what leaves the program. A shorter
// one is a word like any other: to mask it would mask what has nothing to do with it.
const Shortest = 6

// window is how many bytes of a secret, or of one of its encodings, are enough to be masked: a
// secret that was cut, folded or wrapped is still recognised. One that is no longer is recognised as
// a whole only.
const window = 12

// Masker recognises secrets in texts and puts (sensitive) in their place. It knows what Learn was
// told, each line of it and its usual encodings, and nothing of where the texts come from or go to.
// The zero value knows no secret. It may be used from several goroutines.
type Masker struct {
	mu    sync.RWMutex
	known map[string]bool
	long  map[[window]byte]bool // every piece of window bytes
	short map[string]bool       // what is shorter, whole
	size  [window]bool          // lengths that short has
	first [1 << 16]bool         // by the first two bytes of a piece: whether there is one
	begin [1 << 8]bool          // the same by one byte
}

// known is what this process has met: Sensitive and Learn tell it, Mask and NewWriter use it.
var known Masker

// Learn makes a value known to what masks the program's output. Sensitive does so by itself.
func Learn(value string) { known.Learn(value) }

// Mask is a text with all known secrets, and pieces of them, replaced.
func Mask(text string) string { return known.Mask(text) }

// MaskJSON is Mask for the texts of a JSON document, which stays one.
func MaskJSON(doc []byte) []byte { return known.MaskJSON(doc) }

// Learn adds a secret. One shorter than Shortest is passed over; of a long one the first 64 KiB are
// learned. It may be repeated.
func (m *Masker) Learn(value string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(value) < Shortest || m.known[value] {
		return
	}
	if m.known == nil {
		m.known, m.long, m.short = map[string]bool{}, map[[window]byte]bool{}, map[string]bool{}
	}
	m.known[value] = true
	had := map[string]bool{}
	private, public := forms(value[:min(len(value), 64<<10)])
	shown := map[[window]byte]bool{}
	for _, form := range public {
		for i := 0; i+window <= len(form); i++ {
			shown[[window]byte([]byte(form[i:i+window]))] = true
		}
	}
	for _, form := range private {
		for line := range strings.SplitSeq(form, "\n") {
			if line = strings.TrimSpace(line); !had[line] {
				m.add(line, shown)
				had[line] = true
			}
		}
	}
}

// add learns a line, but for the pieces that may be shown.
func (m *Masker) add(s string, shown map[[window]byte]bool) {
	switch n := len(s); {
	case n < Shortest:
		return
	case n < window:
		m.short[s], m.size[n] = true, true
		m.starts(s)
	default:
		for i := 0; i+window <= n; i++ {
			if piece := [window]byte([]byte(s[i : i+window])); !shown[piece] {
				m.long[piece] = true
				m.starts(s[i:])
			}
		}
	}
}

func (m *Masker) starts(s string) {
	m.first[int(s[0])<<8|int(s[1])], m.begin[s[0]] = true, true
}

// Mask is a text with all that was learned replaced.
func (m *Masker) Mask(text string) string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	runs := m.runs([]byte(text))
	if len(runs) == 0 {
		return text
	}
	var b strings.Builder
	at := 0
	for _, r := range runs {
		b.WriteString(text[at:r.from] + hidden)
		at = r.to
	}
	return b.String() + text[at:]
}

// MaskJSON masks the texts of a JSON document, names included. What is no JSON is masked as text.
func (m *Masker) MaskJSON(doc []byte) []byte {
	if m.empty() {
		return doc
	}
	var out []byte
	at := 0
	for i := 0; i < len(doc); i++ {
		if doc[i] != '"' {
			continue
		}
		end := i + 1
		for end < len(doc) && doc[end] != '"' {
			if doc[end] == '\\' {
				end++
			}
			end++
		}
		var s string
		if end >= len(doc) || json.Unmarshal(doc[i:end+1], &s) != nil {
			return append(append(out, doc[at:i]...), m.Mask(string(doc[i:]))...)
		}
		if t := m.Mask(s); t != s {
			quoted, _ := json.Marshal(t)
			out = append(append(out, doc[at:i]...), quoted...)
			at = end + 1
		}
		i = end
	}
	return append(out, doc[at:]...)
}

func (m *Masker) empty() bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.known) == 0
}

// run is a stretch of a text that is hidden.
type run struct{ from, to int }

// runs finds what is hidden of b, in order; stretches that touch are one. The caller holds mu.
func (m *Masker) runs(b []byte) (out []run) {
	if len(m.known) == 0 {
		return nil
	}
	for i := 0; i+Shortest <= len(b); i++ {
		if !m.first[int(b[i])<<8|int(b[i+1])] {
			continue
		}
		n := m.piece(b[i:])
		switch last := len(out) - 1; {
		case n == 0:
		case last >= 0 && out[last].to >= i:
			out[last].to = max(out[last].to, i+n)
		default:
			out = append(out, run{i, i + n})
		}
	}
	return out
}

// piece is how long the piece of a secret is that b begins with; 0: none.
func (m *Masker) piece(b []byte) int {
	if len(b) >= window && m.long[[window]byte(b[:window])] {
		return window
	}
	for n := min(len(b), window-1); n >= Shortest; n-- {
		if m.size[n] && m.short[string(b[:n])] {
			return n
		}
	}
	return 0
}

// open is where in b a piece may begin whose end is still to come; len(b) when there is none. No
// piece has a line end in it.
func (m *Masker) open(b []byte) int {
	if len(m.known) == 0 {
		return len(b)
	}
	for i := max(0, len(b)-window+1, bytes.LastIndexByte(b, '\n')+1); i < len(b); i++ {
		if i+1 == len(b) && m.begin[b[i]] || i+1 < len(b) && m.first[int(b[i])<<8|int(b[i+1])] {
			return i
		}
	}
	return len(b)
}
