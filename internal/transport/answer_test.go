package transport

import (
	"bytes"
	"testing"
	"time"
)

// One line of 64 MiB: each byte is looked at once, or this takes minutes.
func TestALongLineIsReadOnce(t *testing.T) {
	a := &answer{host: "0123456789abcdef0123456789abcdef", k: 1, begun: true, max: 64 << 20}
	piece, began := bytes.Repeat([]byte("x"), 8<<10), time.Now()
	for range 8 << 10 {
		if _, done, err := a.feed(piece); done || err != nil {
			t.Fatal(done, err)
		}
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}
