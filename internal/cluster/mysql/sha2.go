package mysql

import (
	"crypto/sha256"
	"fmt"
)

// SHA2 is what caching_sha2_password keeps of a password ("The Binary Format of the SHA-2 password",
// MySQL Server's sql/auth/sha2_password.cc): $A$, thousands of rounds in hexadecimal, $, a salt of 20
// bytes and the digest of SHA-crypt (Drepper, "Unix crypt using SHA-256 and SHA-512"). The salt is made of
// the account, so that the same password gives the same text, which can be compared with what the server
// has, and two accounts with one password still differ. It is not made of the password: who reads it must
// not learn a faster way to try guesses.
func SHA2(password, account string) string {
	const rounds = 5 // thousands, the server's own default of 8.0
	seed := sha256.Sum256([]byte("haprov\x00" + account))
	salt := make([]byte, 20)
	for i := range salt {
		salt[i] = alphabet[seed[i]&63]
	}
	return fmt.Sprintf("$A$%03X$%s%s", rounds, salt, shaCrypt([]byte(password), salt, rounds*1000))
}

// alphabet is crypt(3)'s.
const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// shaCrypt is SHA-crypt's digest with SHA-256, in its own writing. Its steps have the letters of the
// specification.
func shaCrypt(key, salt []byte, rounds int) string {
	b := sum(key, salt, key)
	h := sha256.New()
	h.Write(key)
	h.Write(salt)
	h.Write(repeated(b, len(key)))
	for n := len(key); n > 0; n >>= 1 {
		if n&1 == 1 {
			h.Write(b)
		} else {
			h.Write(key)
		}
	}
	a := h.Sum(nil)
	h.Reset()
	for range key {
		h.Write(key)
	}
	p := repeated(h.Sum(nil), len(key))
	h.Reset()
	for range 16 + int(a[0]) {
		h.Write(salt)
	}
	s := repeated(h.Sum(nil), len(salt))
	for i := range rounds {
		h.Reset()
		odd := i&1 == 1
		if odd {
			h.Write(p)
		} else {
			h.Write(a)
		}
		if i%3 != 0 {
			h.Write(s)
		}
		if i%7 != 0 {
			h.Write(p)
		}
		if odd {
			h.Write(a)
		} else {
			h.Write(p)
		}
		a = h.Sum(a[:0])
	}
	var out []byte
	put := func(x, y, z byte, n int) {
		for w := uint(x)<<16 | uint(y)<<8 | uint(z); n > 0; n-- {
			out = append(out, alphabet[w&63])
			w >>= 6
		}
	}
	for i := range 10 {
		// each triple is the one before, turned and one further
		t := [3]int{i, i + 10, i + 20}
		put(a[t[i*2%3]], a[t[(i*2+1)%3]], a[t[(i*2+2)%3]], 4)
	}
	put(0, a[31], a[30], 3)
	return string(out)
}

func sum(parts ...[]byte) []byte {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// repeated is a text again and again, n bytes of it.
func repeated(text []byte, n int) []byte {
	out := make([]byte, 0, n+len(text))
	for len(out) < n {
		out = append(out, text...)
	}
	return out[:n]
}
