package source

import (
	"regexp"
	"unicode/utf8"
)

// Attributes whose value a snippet never shows, whoever reads them.
var (
	secretName = regexp.MustCompile(`(?i)(pass(word|wd|phrase)?|secret|token|private_key|authkey|psk)"?\s*[=:]`)
	quoted     = regexp.MustCompile(`"(\\.|[^"\\])*"?`)
	maxSnippet = 200
)

// hide takes literal texts out of a line that gives a secret its value, and cuts long lines.
func hide(line string, length int) (string, int) {
	if at := secretName.FindStringIndex(line); at != nil {
		rest := quoted.ReplaceAllString(line[at[1]:], "(sensitive)")
		if rest != line[at[1]:] {
			return line[:at[1]] + rest, 0
		}
	}
	if utf8.RuneCountInString(line) > maxSnippet {
		return string([]rune(line)[:maxSnippet]) + " ...", 0
	}
	return line, length
}
