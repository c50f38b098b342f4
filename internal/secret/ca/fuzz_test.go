package ca

import (
	"testing"
	"time"
)

func FuzzSplit(f *testing.F) {
	authority, err := New("shop", time.Unix(1700000000, 0))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(authority)
	f.Add("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n")
	f.Fuzz(func(t *testing.T, text string) {
		if cert, key, err := Split(text); err == nil && (cert == "" || key == "") {
			t.Errorf("%q has no error and %d and %d bytes", text, len(cert), len(key))
		}
		Signed(authority, text, "n1")
	})
}
