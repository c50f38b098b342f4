package source

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Limits of one file. The parser is recursive and can be killed by nesting, so all of them are
// checked on its tokens, which are found without recursion.
const (
	maxFile   = 1 << 20 // bytes
	maxTotal  = 16 << 20
	maxTokens = 200_000
	maxDepth  = 100   // brackets and templates, one in the other
	maxUnary  = 16    // "!!!x"
	maxOps    = 1_000 // of one expression
	maxNumber = 64    // characters
	maxString = 256 << 10
)

// guard refuses what the parser must not see, and reports where. It gives false then.
func guard(r *Report, name string, text []byte) bool {
	if len(text) > maxFile {
		line := 1 + bytes.Count(text[:maxFile], []byte("\n"))
		r.At(hcl.Range{Filename: name, Start: hcl.Pos{Line: line, Column: 1}, End: hcl.Pos{Line: line, Column: 1}}, "File is too large", "At most %d bytes are read, and this line passes them: move recipes to files of their own.", maxFile)
		return false
	}
	if !bytesOK(r, name, text) {
		return false
	}
	tokens, diags := hclsyntax.LexConfig(text, name, hcl.InitialPos)
	if len(tokens) > maxTokens {
		r.At(tokens[maxTokens].Range, "File has too many words", "Found %d tokens; at most %d are read, and this line passes them: move recipes to files of their own.", len(tokens), maxTokens)
		return false
	}
	_ = diags // the parser reports them again
	return tokensOK(r, tokens)
}

func bytesOK(r *Report, name string, text []byte) bool {
	if bytes.HasPrefix(text, []byte{0xff, 0xfe}) || bytes.HasPrefix(text, []byte{0xfe, 0xff}) {
		r.At(hcl.Range{Filename: name}, "File is not UTF-8", "It begins with a UTF-16 byte order mark: save it as UTF-8.")
		return false
	}
	line, col := 1, 1
	for i := 0; i < len(text); {
		c, n := utf8.DecodeRune(text[i:])
		at := hcl.Range{Filename: name, Start: hcl.Pos{Line: line, Column: col, Byte: i}, End: hcl.Pos{Line: line, Column: col + 1, Byte: i + n}}
		switch {
		case c == utf8.RuneError && n <= 1:
			r.At(at, "File is not UTF-8", "Found byte 0x%02x at offset %d: save the file as UTF-8.", text[i], i)
			return false
		case c == '\r' && (i+1 >= len(text) || text[i+1] != '\n'):
			r.At(at, "Carriage return without line feed", "Found at offset %d: save the file with LF or CRLF line ends.", i)
			return false
		case c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0x7f || c >= 0x80 && c < 0xa0:
			r.At(at, "Control character in file", "Found U+%04X at offset %d: remove it, or write it as \\u%04x.", c, i, c)
			return false
		case hides(c) && !(c == '\uFEFF' && i == 0):
			r.At(at, "Invisible character in file", "Found U+%04X at offset %d, which hides or reorders text: remove it, or write it as \\u%04x.", c, i, c)
			return false
		}
		i += n
		col++
		if c == '\n' {
			line, col = line+1, 1
		}
	}
	return true
}

// hides tells characters that make text look like what it is not.
func hides(c rune) bool {
	return c >= 0x200B && c <= 0x200F || c >= 0x202A && c <= 0x202E || c >= 0x2060 && c <= 0x2069 || c == 0xFEFF
}

// counter walks the tokens of one file.
type counter struct {
	depth, unary, ops, text int
	round                   []hclsyntax.TokenType // open brackets
}

func tokensOK(r *Report, tokens hclsyntax.Tokens) bool {
	var c counter
	for _, t := range tokens {
		if what, limit := c.next(t); what != "" {
			r.At(t.Range, what, "At most %d %s: simplify it.", limit, limits[what])
			return false
		}
	}
	return true
}

// limits says what is counted.
var limits = map[string]string{
	"Nesting is too deep":               "levels of brackets and templates are allowed",
	"Too many signs in a row":           "signs in a row are allowed",
	"Number is too long":                "characters are allowed in a number, with an exponent below 1000",
	"Text is too long":                  "bytes are allowed in one string",
	"Expression has too many operators": "operators are allowed in one expression",
}

// next counts one token; it names the limit that it broke.
func (c *counter) next(t hclsyntax.Token) (what string, limit int) {
	if t.Type != hclsyntax.TokenBang && t.Type != hclsyntax.TokenMinus {
		c.unary = 0
	}
	switch t.Type {
	case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
		c.round = append(c.round, t.Type)
		c.depth++
		if t.Type == hclsyntax.TokenOQuote || t.Type == hclsyntax.TokenOHeredoc {
			c.text = 0
		}
		if c.depth > maxDepth {
			return "Nesting is too deep", maxDepth
		}
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
		if c.depth > 0 {
			c.depth--
			c.round = c.round[:len(c.round)-1]
		}
	case hclsyntax.TokenBang, hclsyntax.TokenMinus:
		if c.unary++; c.unary > maxUnary {
			return "Too many signs in a row", maxUnary
		}
		c.ops++
	case hclsyntax.TokenPlus, hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPercent, hclsyntax.TokenQuestion, hclsyntax.TokenAnd, hclsyntax.TokenOr,
		hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq, hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenDot:
		c.ops++
	case hclsyntax.TokenComma:
		c.ops = 0
	case hclsyntax.TokenNewline:
		if !c.inParens() {
			c.ops = 0
		}
	case hclsyntax.TokenNumberLit:
		if len(t.Bytes) > maxNumber || hugeExponent(string(t.Bytes)) {
			return "Number is too long", maxNumber
		}
	case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit:
		if c.text += len(t.Bytes); c.text > maxString {
			return "Text is too long", maxString
		}
	}
	if c.ops > maxOps {
		return "Expression has too many operators", maxOps
	}
	return "", 0
}

func (c *counter) inParens() bool {
	for _, t := range c.round {
		if t == hclsyntax.TokenOParen || t == hclsyntax.TokenOBrack || t == hclsyntax.TokenTemplateInterp {
			return true
		}
	}
	return false
}

func hugeExponent(s string) bool {
	_, e, ok := strings.Cut(strings.ToLower(s), "e")
	return ok && len(strings.TrimLeft(e, "+-0")) > 3
}

// Bounded cuts a name from a file for a message.
func Bounded(s string) string {
	if len(s) > 60 {
		return fmt.Sprintf("%.57q...", s)
	}
	return fmt.Sprintf("%q", s)
}
