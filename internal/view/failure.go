package view

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"haprov/internal/engine"
	"haprov/internal/kind"
)

// failed draws why a host stops: the step and where it is written, the command and the end of what
// it printed, the likely cause and what to do. A failure that several hosts share is told once.
func (v *Human) failed(e engine.Failed) {
	if errors.Is(e.Err, context.Canceled) {
		fmt.Fprintf(v.Err, "%-8s %s\n", e.Host, v.paint("33", "interrupted"))
		return
	}
	if errors.Is(e.Err, kind.ErrSkipped) {
		fmt.Fprintf(v.Err, "%-8s %s\n", e.Host, Clean(e.Err.Error()))
		return
	}
	text := e.Err.Error()
	head := fmt.Sprintf("%-8s %s ", e.Host, v.paint("1;31", "failed"))
	same := strings.TrimPrefix(e.Address, e.Host+":") + "\x00" + text
	if same == v.last {
		fmt.Fprintf(v.Err, "%-8s %s same error as %s\n", e.Host, v.paint("1;31", "failed:"), v.lastHost)
		return
	}
	v.last, v.lastHost = same, e.Host
	for i, l := range folded(strings.TrimSpace(text), 63) {
		if i == 0 {
			fmt.Fprintf(v.Err, "%s%s\n", head, Clean(l))
			continue
		}
		fmt.Fprintf(v.Err, "                %s\n", Clean(l))
	}
	if e.Address != "" {
		at := e.Address
		if v.Place != nil {
			if p := v.Place(e.Address); p != "" {
				at += ", " + p
			}
		}
		v.detail("step", at)
	}
	for i, l := range head3(e.Command) {
		v.detail([]string{"command", "", ""}[i], l)
	}
	for _, l := range tail(e.Output, 15) {
		fmt.Fprintf(v.Err, "         | %s\n", Clean(l))
	}
	cause, next := Advice(e.Host, e.Err, e.Output)
	for i, l := range folded(cause, 62) {
		v.detail([]string{"cause", ""}[min(i, 1)], l)
	}
	v.detail("next", next)
}

func (v *Human) detail(name, text string) {
	if text != "" {
		fmt.Fprintf(v.Err, "         %-8s %s\n", name, Clean(text))
	}
}

// head3 is the beginning of a command: three lines, each bounded.
func head3(s string) (out []string) {
	for _, l := range strings.Split(strings.TrimSpace(s), "\n") {
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		if len(out) == 3 {
			out[2] += " ..."
			break
		}
		if r := []rune(l); len(r) > 160 {
			l = string(r[:157]) + "..."
		}
		out = append(out, l)
	}
	return out
}

// folded breaks a text between words into lines of at most n columns; a longer word stays whole, so
// that a path can be copied.
func folded(s string, n int) (out []string) {
	for _, part := range strings.Split(s, "\n") {
		line := ""
		for _, w := range strings.Fields(part) {
			if line != "" && len(line)+1+len(w) > n {
				out, line = append(out, line), ""
			}
			if line != "" {
				line += " "
			}
			line += w
		}
		out = append(out, line)
	}
	return out
}
