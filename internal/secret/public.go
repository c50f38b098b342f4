package secret

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"

	"golang.org/x/crypto/ssh"
)

// publicHalf is what of a private key others may see, as X.509 and as SSH write it. The key is the
// bytes of a PEM block without a passphrase; what is none has no public half.
func publicHalf(key []byte) (out []string) {
	for _, kind := range []string{"PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY"} {
		parsed, err := ssh.ParseRawPrivateKey(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: key}))
		if err != nil {
			continue
		}
		pair, ok := parsed.(interface{ Public() crypto.PublicKey })
		if !ok {
			continue
		}
		if der, err := x509.MarshalPKIXPublicKey(pair.Public()); err == nil {
			out = append(out, string(der))
		}
		if k, err := ssh.NewPublicKey(pair.Public()); err == nil {
			out = append(out, string(k.Marshal()))
		}
		return out
	}
	return nil
}
