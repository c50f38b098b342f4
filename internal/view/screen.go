package view

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Screen is a terminal with a few lines at its foot that are drawn again and again; what is written
// to it scrolls by above them. It changes no mode of the terminal: whatever ends the program, there
// is nothing to put back.
type Screen struct {
	To   io.Writer
	Size func() (width, height int) // asked at each drawing; nil: 80 by 24

	mu    sync.Mutex
	foot  []string
	drawn []int // widths of the lines that stand there now
}

// Write lets whole lines scroll by. Each call is one write to the terminal.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	var b bytes.Buffer
	s.erase(&b)
	b.Write(p)
	s.draw(&b)
	if err := s.put(b.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// put writes at once: what masks the output may hold back what does not end its line.
func (s *Screen) put(b []byte) error {
	_, err := s.To.Write(b)
	if held, ok := s.To.(interface{ Flush() error }); ok {
		err = errors.Join(err, held.Flush())
	}
	return err
}

// Foot sets the lines at the foot; none removes them. Each is cut at the terminal's width.
func (s *Screen) Foot(lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Equal(s.foot, lines) {
		return
	}
	s.foot = lines
	var b bytes.Buffer
	s.erase(&b)
	s.draw(&b)
	if b.Len() > 0 {
		s.put(b.Bytes())
	}
}

func (s *Screen) size() (int, int) {
	if s.Size != nil {
		if w, h := s.Size(); w > 0 && h > 0 {
			return w, h
		}
	}
	return 80, 24
}

// erase goes up to the first line of the foot and clears all below. A terminal that has become
// narrower has broken the lines meanwhile.
func (s *Screen) erase(b *bytes.Buffer) {
	if len(s.drawn) == 0 {
		return
	}
	width, _ := s.size()
	rows := 0
	for _, n := range s.drawn {
		rows += max(1, (n+width-1)/width)
	}
	b.WriteString("\r")
	for range rows {
		b.WriteString("\x1b[A")
	}
	b.WriteString("\x1b[J")
	s.drawn = nil
}

func (s *Screen) draw(b *bytes.Buffer) {
	width, height := s.size()
	for i, l := range s.foot {
		if i == height-2 {
			break
		}
		l = fit(l, width-1)
		b.WriteString(l + "\n")
		s.drawn = append(s.drawn, utf8.RuneCountInString(l))
	}
}

// fit makes a text one plain line of at most n columns. Wide and joined characters are left out:
// their width is the terminal's secret.
func fit(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	if len(s) > n {
		s = s[:max(0, n-3)] + "..."[:min(3, n)]
	}
	return s
}
