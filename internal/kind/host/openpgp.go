package host

import (
	"crypto/sha1" // what a fingerprint of version 4 is made of
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
)

// keyFingerprint is the fingerprint of the one primary key in an armored text (RFC 4880, 6.2 and 12.2).
// The key's own signatures are not verified: apt does.
func keyFingerprint(armored string) (string, error) {
	const begin, end = "-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----"
	_, rest, ok := strings.Cut(armored, begin)
	body, after, whole := strings.Cut(rest, end)
	if !ok || !whole || strings.Contains(after, begin) {
		return "", errors.New("no armored public key, or more than one")
	}
	var b64 strings.Builder
	for l := range strings.Lines(body) {
		l = strings.TrimSpace(l)
		if strings.Contains(l, ": ") || strings.HasPrefix(l, "=") && len(l) == 5 {
			continue // a header, or the checksum
		}
		b64.WriteString(l)
	}
	data, err := base64.StdEncoding.DecodeString(b64.String())
	if err != nil {
		return "", errors.New("the armor is damaged")
	}
	found := ""
	for len(data) > 0 {
		tag, packet, rest, err := nextPacket(data)
		if err != nil {
			return "", err
		}
		data = rest
		if tag != 6 {
			continue
		}
		if found != "" {
			return "", errors.New("more than one key")
		}
		if len(packet) == 0 || packet[0] != 4 || len(packet) > 0xffff {
			return "", errors.New("a key that is not of version 4")
		}
		h := sha1.New()
		h.Write([]byte{0x99})
		h.Write(binary.BigEndian.AppendUint16(nil, uint16(len(packet))))
		h.Write(packet)
		found = strings.ToUpper(hex.EncodeToString(h.Sum(nil)))
	}
	if found == "" {
		return "", errors.New("no key in the armor")
	}
	return found, nil
}

var errPacket = errors.New("the key is damaged")

// nextPacket takes one packet off the data (RFC 4880, 4.2). Lengths in parts are for data, not for
// keys: they are refused.
func nextPacket(data []byte) (tag byte, body, rest []byte, err error) {
	if len(data) < 2 || data[0]&0x80 == 0 {
		return 0, nil, nil, errPacket
	}
	var n uint64
	head, size := 1, 0
	if data[0]&0x40 != 0 {
		tag = data[0] & 0x3f
		switch l := data[1]; {
		case l < 192:
			n, head = uint64(l), 2
		case l < 224 && len(data) > 2:
			n, head = uint64(l-192)<<8+uint64(data[2])+192, 3
		case l == 255:
			head, size = 2, 4
		default:
			return 0, nil, nil, errPacket
		}
	} else {
		tag = data[0] >> 2 & 0x0f
		if data[0]&3 == 3 {
			return 0, nil, nil, errPacket
		}
		size = 1 << (data[0] & 3)
	}
	if len(data) < head+size {
		return 0, nil, nil, errPacket
	}
	for _, b := range data[head : head+size] {
		n = n<<8 | uint64(b)
	}
	data = data[head+size:]
	if n > uint64(len(data)) {
		return 0, nil, nil, errPacket
	}
	return tag, data[:n], data[n:], nil
}
