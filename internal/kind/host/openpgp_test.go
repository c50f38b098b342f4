package host

import (
	"encoding/base64"
	"strings"
	"testing"
)

// Whatever a key's text holds, it is read or refused; a fingerprint has 40 digits.
func FuzzKeyFingerprint(f *testing.F) {
	for _, packets := range []string{"", "\xc6\x06\x04\x00\x00\x00\x00\x16", "\x98\x01\x04", "\x99\xff\xff\x04", "\xc6\xff\xff\xff\xff\xff", "\xc6\xc0", "\x9b\x00", "\xc6\xe1\x00"} {
		f.Add([]byte(packets))
	}
	f.Fuzz(func(t *testing.T, packets []byte) {
		text := "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" + base64.StdEncoding.EncodeToString(packets) + "\n-----END PGP PUBLIC KEY BLOCK-----\n"
		if got, err := keyFingerprint(text); (err == nil) != (len(got) == 40) || got != strings.ToUpper(got) {
			t.Errorf("%q %v", got, err)
		}
	})
}
