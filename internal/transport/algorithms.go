package transport

import (
	"slices"

	"golang.org/x/crypto/ssh"
)

// safeAlgorithms are x/crypto's secure ones less those with SHA-1, ed25519 first. DSA, CBC, RC4 and
// ssh-rsa are in none of its lists; the short RSA key is refused when it is seen.
func safeAlgorithms() ssh.Algorithms {
	a := ssh.SupportedAlgorithms()
	a.MACs = slices.DeleteFunc(a.MACs, func(m string) bool { return m == ssh.HMACSHA1 })
	slices.SortStableFunc(a.HostKeys, func(x, y string) int { return rank(x) - rank(y) })
	return a
}

func rank(alg string) int {
	switch alg {
	case ssh.CertAlgoED25519v01:
		return 0
	case ssh.KeyAlgoED25519:
		return 1
	default:
		return 2
	}
}
