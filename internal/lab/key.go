package lab

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"haprov/internal/file"
)

// pair makes sure of an ed25519 key pair at path and path.pub, in OpenSSH's formats, and returns
// the public line. An existing pair is left alone.
func pair(path, comment string) (public string, err error) {
	text, err := file.Read(path+".pub", maxState)
	if err == nil {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("key pair without its private half: %w", err)
		}
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	public = "ssh-ed25519 " + base64.StdEncoding.EncodeToString(publicBlob(pub)) + " " + comment
	if err := writeFile(path, privatePEM(pub, priv, comment)); err != nil {
		return "", err
	}
	return public, writeFile(path+".pub", []byte(public+"\n"))
}

func field(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}

func publicBlob(pub ed25519.PublicKey) []byte {
	return append(field([]byte("ssh-ed25519")), field(pub)...)
}

// privatePEM writes the format of OpenSSH's PROTOCOL.key, without a passphrase: sshd of Debian 12
// takes ed25519 keys in no other.
func privatePEM(pub ed25519.PublicKey, priv ed25519.PrivateKey, comment string) []byte {
	var check [4]byte
	rand.Read(check[:])
	secret := append(append([]byte{}, check[:]...), check[:]...)
	secret = append(secret, publicBlob(pub)...)
	secret = append(secret, field(priv)...)
	secret = append(secret, field([]byte(comment))...)
	for i := byte(1); len(secret)%8 != 0; i++ {
		secret = append(secret, i)
	}
	out := append([]byte("openssh-key-v1\x00"), field([]byte("none"))...)
	out = append(out, field([]byte("none"))...)
	out = append(out, field(nil)...)
	out = append(out, 0, 0, 0, 1)
	out = append(out, field(publicBlob(pub))...)
	out = append(out, field(secret)...)
	return pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: out})
}
