package secret

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// forms are a value and its usual encodings, as programs print them. Of PEM text the certificates
// are left out, which are public, and the keys are taken as bytes, too. A private key has its public
// half within it, as certificates and authorized_keys do: public is how those print it.
func forms(value string) (private, public []string) {
	text, keys := split(value)
	private = quotings(text)
	for _, raw := range append(keys, text) {
		private = append(append(private, hexes(raw)...), base64s(raw)...)
	}
	for _, block := range keys {
		for _, raw := range publicHalf([]byte(block)) {
			public = append(append(public, hexes(raw)...), base64s(raw)...)
		}
	}
	return private, public
}

// split takes the armour and the public blocks of PEM text away, and gives the bytes of the others.
func split(value string) (open string, keys []string) {
	rest := []byte(value)
	for {
		block, after := pem.Decode(rest)
		if block == nil {
			break
		}
		if text := string(pem.EncodeToMemory(block)); !strings.HasSuffix(block.Type, "CERTIFICATE") && !strings.HasSuffix(block.Type, "PUBLIC KEY") {
			keys = append(keys, string(block.Bytes))
			lines := strings.Split(strings.TrimSpace(text), "\n")
			open += strings.Join(lines[1:len(lines)-1], "\n") + "\n"
		}
		rest = after
	}
	if len(keys) == 0 {
		return value, nil
	}
	return strings.TrimSpace(open), keys
}

func hexes(s string) (out []string) {
	plain := hex.EncodeToString([]byte(s))
	for _, between := range []string{"", ":", " "} {
		var b strings.Builder
		for i := 0; i < len(plain); i += 2 {
			if i > 0 {
				b.WriteString(between)
			}
			b.WriteString(plain[i : i+2])
		}
		out = append(out, b.String(), strings.ToUpper(b.String()))
	}
	return out
}

// base64s are the encodings of s alone and in the midst of other bytes: there its characters depend
// on where it begins, and those at its edges on its neighbours, too.
func base64s(s string) (out []string) {
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		out = append(out, e.EncodeToString([]byte(s)))
		for before := range 3 {
			t := e.EncodeToString([]byte(strings.Repeat("x", before) + s))
			out = append(out, t[(before*8+5)/6:(before+len(s))*8/6])
		}
	}
	return out
}

var special = regexp.MustCompile(`[^A-Za-z0-9_\n]`)

// quotings are s as shells, URLs, JSON, Go, XML, HTML and SQL write it within their quotes.
func quotings(s string) []string {
	query, path := url.QueryEscape(s), url.PathEscape(s)
	var bare strings.Builder // JSON that leaves <, > and & alone
	to := json.NewEncoder(&bare)
	to.SetEscapeHTML(false)
	to.Encode(s)
	safe, _ := json.Marshal(s)
	ascii := strconv.QuoteToASCII(s)
	out := []string{s, query, path, lowerEscapes(query), lowerEscapes(path), inner(strings.TrimSpace(bare.String())), inner(string(safe)), inner(strconv.Quote(s)), inner(ascii),
		html.EscapeString(s), special.ReplaceAllString(s, `\$0`)}
	for _, pairs := range [][]string{
		{"'", `'\''`}, {"'", `'"'"'`}, {"'", "''"}, {`\`, `\\`, "'", `\'`}, {`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`"},
		{"&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;"}, {"\n", `\n`}, {"\n", " "}, {"\n", ""},
	} {
		out = append(out, strings.NewReplacer(pairs...).Replace(s))
	}
	return out
}

func inner(quoted string) string { return quoted[1 : len(quoted)-1] }

var escape = regexp.MustCompile(`%[0-9A-F]{2}`)

func lowerEscapes(s string) string { return escape.ReplaceAllStringFunc(s, strings.ToLower) }
