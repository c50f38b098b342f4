package secret

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"html"
	"math/big"
	mathrand "math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"haprov/internal/shell"
)

// canary has what shells, URLs, JSON, XML and SQL each write in their own way.
const canary = `C4n"ry's <se&cret>/+\ $x%`

func taught(values ...string) *Masker {
	m := &Masker{}
	for _, v := range values {
		m.Learn(v)
	}
	return m
}

// spellings are a secret as programs print it.
func spellings(s string) map[string]string {
	quoted, _ := json.Marshal(s)
	var x bytes.Buffer
	xml.EscapeText(&x, []byte(s))
	std, web := base64.StdEncoding, base64.URLEncoding
	return map[string]string{
		"plain": s, "base64": std.EncodeToString([]byte(s)), "base64 URL": web.EncodeToString([]byte(s)), "base64 raw": base64.RawStdEncoding.EncodeToString([]byte(s)),
		"base64 after 1": std.EncodeToString([]byte("u:" + s[:0] + "x" + s)), "base64 after 2": std.EncodeToString([]byte("ab" + s)), "base64 amidst": std.EncodeToString([]byte("user:" + s + "@host")),
		"base64 of a line": std.EncodeToString([]byte(s + "\n")),
		"hex":              hex.EncodeToString([]byte(s)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(s))), "hex with colons": strings.TrimSpace(strings.ReplaceAll(fmt.Sprintf("% x", s), " ", ":")),
		"hex with spaces": fmt.Sprintf("% x", s), "URL": url.QueryEscape(s), "path": url.PathEscape(s), "shell": shell.Quote(s), "JSON": string(quoted),
		"Go": strconv.Quote(s), "ASCII": strconv.QuoteToASCII(s), "HTML": html.EscapeString(s), "XML": x.String(),
		"SQL": strings.ReplaceAll(s, "'", "''"), "double quotes": strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(s),
	}
}

// shown finds whether six bytes of a spelling in a row can be read. Less than that is what stands at
// the edges of an encoding, or of a spelling's own quotes.
func shown(spelling, text string) string {
	for i := 0; i+6 <= len(spelling); i++ {
		if strings.Contains(text, spelling[i:i+6]) {
			return spelling[i : i+6]
		}
	}
	return ""
}

func TestASecretIsMaskedInItsUsualEncodings(t *testing.T) {
	m := taught(canary)
	for name, s := range spellings(canary) {
		got := m.Mask("before " + s + " after")
		part := s
		if strings.HasPrefix(name, "base64 a") { // the neighbours' own characters
			part = s[5 : len(s)-9]
		}
		if bad := shown(part, got); bad != "" || !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") {
			t.Errorf("%s: %q is left in %q", name, bad, got)
		}
	}
}

func TestAPieceOfASecretIsMasked(t *testing.T) {
	m := taught("abcdefghijklmnopqrstuvwxyz012345")
	for text, want := range map[string]string{
		"password=abcdefghijklmnop...":                                     "password=(sensitive)...",
		"...opqrstuvwxyz012345":                                            "...(sensitive)",
		"abcdefghijklmnop\nqrstuvwxyz012345":                               "(sensitive)\n(sensitive)",
		"abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345": "(sensitive)",
		"defghijk": "defghijk", // as documented: too short to be told from a word
	} {
		if got := m.Mask(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestAShortSecretIsAWordLikeAnyOther(t *testing.T) {
	m := taught("root", "calvin")
	if got := m.Mask("root and calvin"); got != "root and (sensitive)" {
		t.Error(got)
	}
	m = &Masker{}
	if got := m.Mask("nothing is known"); got != "nothing is known" {
		t.Error(got)
	}
}

// issued is a real certificate beside its key, as the store keeps them.
func issued(t *testing.T) (cert string, der []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	subject := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: strings.Repeat("n", mathrand.IntN(60))}}
	signed, err := x509.CreateCertificate(rand.Reader, subject, subject, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if der, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})), der
}

// A private key has the public one within it, which the certificate shows to all.
func TestOfACertificateOnlyTheKeyIsMasked(t *testing.T) {
	for range 50 { // where the public key stands in the lines depends on what is before it
		public, der := issued(t)
		private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
		m := taught(public + private)
		if got := m.Mask(public); got != public {
			t.Fatalf("the certificate:\n%s", got)
		}
		secret := der[36 : 36+32]              // the number; what follows it is the public point
		inBase64 := func(text string) string { // as far as it is no other's, too
			at := base64.StdEncoding.EncodeToString(der)[36*4/3 : (36+32)*4/3]
			return shown(at, strings.NewReplacer("\r", "", "\n", "", " ", "", `\n`, "").Replace(text))
		}
		for name, text := range map[string]string{
			"PEM": private, "indented": strings.ReplaceAll(private, "\n", "\n    "), "one line": strings.ReplaceAll(private, "\n", " "), "escaped": strings.ReplaceAll(private, "\n", `\n`),
			"carriage returns": strings.ReplaceAll(private, "\n", "\r\n"), "wrapped otherwise": wrapped(base64.StdEncoding.EncodeToString(der), 50),
		} {
			if got := m.Mask(text); inBase64(got) != "" || inBase64(text) == "" {
				t.Errorf("%s: %q is left:\n%s", name, inBase64(got), got)
			}
		}
		for name, text := range map[string]string{
			"hex of its bytes": hex.EncodeToString(der), "openssl": strings.ReplaceAll(fmt.Sprintf("% x", der), " ", ":"),
		} {
			if got := m.Mask(text); shown(hex.EncodeToString(secret), strings.ReplaceAll(got, ":", "")) != "" {
				t.Errorf("%s: the key is left:\n%s", name, got)
			}
		}
		twice := base64.StdEncoding.EncodeToString([]byte(private))
		begin, end := len("-----BEGIN PRIVATE KEY-----\n")+36*4/3, len("-----BEGIN PRIVATE KEY-----\n")+68*4/3
		if got := m.Mask(twice); shown(twice[(begin+3)*4/3:(end-3)*4/3], got) != "" {
			t.Errorf("base64 of PEM:\n%s", got)
		}
	}
}

func TestOfAnSSHKeyThePublicHalfIsShown(t *testing.T) {
	for range 20 {
		public, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		block, err := ssh.MarshalPrivateKey(key, "haprov")
		if err != nil {
			t.Fatal(err)
		}
		shownKey, err := ssh.NewPublicKey(public)
		if err != nil {
			t.Fatal(err)
		}
		m := taught(string(pem.EncodeToMemory(block)))
		if line := string(ssh.MarshalAuthorizedKey(shownKey)); m.Mask(line) != line {
			t.Errorf("the public key: %s", m.Mask(line))
		}
		got := strings.ReplaceAll(m.Mask(string(pem.EncodeToMemory(block))), "\n", "")
		whole := base64.StdEncoding.EncodeToString(block.Bytes)
		at := strings.Index(string(block.Bytes), string(key.Seed()))
		if left := shown(whole[(at+2)/3*4:(at+32)/3*4], got); at < 0 || left != "" {
			t.Errorf("%q of the seed is left: %s", left, got)
		}
		if seed := hex.EncodeToString(key.Seed()); shown(seed, m.Mask(seed)) != "" {
			t.Errorf("the seed in hex: %s", m.Mask(seed))
		}
	}
}

func wrapped(s string, n int) string {
	var b strings.Builder
	for ; len(s) > n; s = s[n:] {
		b.WriteString(s[:n] + "\n")
	}
	return b.String() + s
}

// Wherever the chunks are cut, the same comes out; and after Flush nothing is left.
func TestAChunkBoundaryHidesNothing(t *testing.T) {
	m := taught("abcdefghijklmnopqrstuvwxyz012345", canary, "calvin")
	text := "one abcdefghijklmnopqrstuvwxyz012345 two " + canary + "\ncalvincalvin calv\nend: abcdefghij"
	want := m.Mask(text)
	for cut := range len(text) {
		for size := 1; size < 20; size += 3 {
			var out bytes.Buffer
			w := &Writer{to: &out, mask: m}
			w.Write([]byte(text[:cut]))
			for rest := text[cut:]; rest != ""; {
				n := min(size, len(rest))
				if k, err := w.Write([]byte(rest[:n])); k != n || err != nil {
					t.Fatal(k, err)
				}
				rest = rest[n:]
			}
			w.Flush()
			if out.String() != want {
				t.Fatalf("cut at %d, then by %d:\n%s\nwant\n%s", cut, size, &out, want)
			}
		}
	}
}

func TestAWholeLineIsNotHeldBack(t *testing.T) {
	m := taught("abcdefghijklmnop")
	var out bytes.Buffer
	w := &Writer{to: &out, mask: m}
	w.Write([]byte("line ab\n"))
	if out.String() != "line ab\n" {
		t.Errorf("%q", &out)
	}
	w.Write([]byte("prompt ab"))
	w.Flush()
	if out.String() != "line ab\nprompt ab" {
		t.Errorf("%q", &out)
	}
}

func TestMaskedJSONIsJSON(t *testing.T) {
	// A host that knows the secret prints it behind what JSON escapes.
	m := taught("nabcdefgh", canary)
	for _, text := range []string{"\nabcdefgh", "nabcdefgh", `\nabcdefgh`, "a " + canary + " b", `\"` + canary + `\`} {
		doc, _ := json.Marshal(map[string]any{"x": text, text: 1, "list": []string{text}})
		got := m.MaskJSON(append(doc, '\n'))
		var back map[string]any
		if err := json.Unmarshal(got, &back); err != nil {
			t.Errorf("%s: %v", got, err)
			continue
		}
		if want := m.Mask(text); back["x"] != want {
			t.Errorf("%q: got %q, want %q", text, back["x"], want)
		}
	}
	if got := string(m.MaskJSON([]byte(`no JSON "nabcdefgh`))); got != `no JSON "(sensitive)` {
		t.Error(got)
	}
}

func FuzzWriter(f *testing.F) {
	f.Add("abcdefghijklmnop", "x abcdefghijklmnop y", 3)
	f.Fuzz(func(t *testing.T, value, text string, size int) {
		if size < 1 || size > 1000 || len(value) > 200 || len(text) > 2000 {
			return
		}
		m := taught(value)
		var out bytes.Buffer
		w := &Writer{to: &out, mask: m}
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			w.Write([]byte(rest[:n]))
			rest = rest[n:]
		}
		w.Flush()
		if want := m.Mask(text); out.String() != want {
			t.Errorf("by %d: %q, want %q", size, &out, want)
		}
		if len(value) >= Shortest && value == strings.TrimSpace(value) && !strings.Contains(value, "\n") && !strings.Contains(hidden, value) && strings.Contains(out.String(), value) {
			t.Errorf("%q is left in %q", value, &out)
		}
	})
}

func BenchmarkLearn(b *testing.B) {
	for b.Loop() {
		taught("abcdefghijklmnopqrstuvwxyz012345")
	}
}

func BenchmarkMask(b *testing.B) {
	m := taught("abcdefghijklmnopqrstuvwxyz012345", strings.Repeat("0123456789ABCDEFghijkl", 30))
	text := strings.Repeat("The quick brown fox jumps over the lazy dog 0123456789\n", 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		m.Mask(text)
	}
}
