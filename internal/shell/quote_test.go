package shell_test

import (
	"bytes"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"haprov/internal/shell"
)

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"":             "''",
		"/etc/hosts":   "/etc/hosts",
		"a b":          "'a b'",
		"it's":         `'it'\''s'`,
		"$(reboot)":    "'$(reboot)'",
		"~root":        "'~root'",
		"A=b":          "'A=b'",
		"if":           "'if'",
		"-rf":          "-rf",
		"two\nlines":   "'two\nlines'",
		"\xff\xfe bin": "'\xff\xfe bin'",
	} {
		if got := shell.Quote(in); got != want {
			t.Errorf("Quote(%q) = %s, want %s", in, got, want)
		}
	}
	if got, want := shell.Join("rm", "-f", "a b"), "rm -f 'a b'"; got != want {
		t.Errorf("Join = %s, want %s", got, want)
	}
}

func TestNULIsRefused(t *testing.T) {
	if shell.Valid("a\x00b") {
		t.Error("a NUL byte is valid")
	}
	defer func() {
		if recover() == nil {
			t.Error("Quote took a NUL byte")
		}
	}()
	shell.Quote("a\x00b")
}

// Many words at once: a process for each would take minutes.
func TestRandomWordsComeBack(t *testing.T) {
	const alphabet = "ab'\"\\$`!*?[](){}<>|&;#~=%^ \t\n\r\x01\x7f\x80\xff-"
	r := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 20000)
	for i := range words {
		b := make([]byte, r.IntN(12))
		for j := range b {
			b[j] = alphabet[r.IntN(len(alphabet))]
		}
		words[i] = string(b)
	}
	cmd := exec.Command("sh")
	cmd.Stdin = strings.NewReader(`printf '%s\0' ` + shell.Join(words...) + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Join(words, "\x00") + "\x00"; string(out) != want {
		t.Error("words changed on their way through sh")
	}
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "'", `\`, "a'b\nc", "$x`y`", "\xc3\x28", "-n", "%s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !shell.Valid(s) || len(s) > 100_000 {
			t.Skip()
		}
		out, err := exec.Command("sh", "-c", "printf %s "+shell.Quote(s)).Output()
		if err != nil || !bytes.Equal(out, []byte(s)) {
			t.Errorf("%q came back as %q (%v)", s, out, err)
		}
	})
}
