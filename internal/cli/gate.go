package cli

import (
	"fmt"
	"io"

	"haprov/internal/secret"
)

// gate is the program's streams. All that is written to them is masked; what is not goes by one of
// the two ways that say so.
type gate struct {
	out, err *secret.Writer
}

// own is for what is the user's own: a secret that was asked for by name, the rows of a statement,
// the bytes of a connection. It is not masked.
func (g gate) own() io.Writer { return g.out.Under() }

// documents is for JSON, masked so that it stays JSON. Each write is one document.
func (g gate) documents() io.Writer { return secret.JSONWriter{To: g.out.Under()} }

// prompt shows a text that does not end its line.
func (g gate) prompt(text string) {
	fmt.Fprint(g.err, text)
	g.err.Flush()
}

// flush writes what is held back: at the end, whatever the end is.
func (g gate) flush() {
	g.out.Flush()
	g.err.Flush()
}
