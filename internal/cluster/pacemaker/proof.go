package pacemaker

import (
	"slices"
	"strings"
)

// Proof is what the cluster has recorded of one host's fence devices: either that one was fired, or
// since when they are as they are now, so that a later fencing with them counts.
type Proof struct {
	Host  string
	Fired bool
	At    string   // UTC, 2026-11-24T18:01:17Z: when it was fired; else since when nothing changed
	By    string   // the node that asked for the fencing; "-" when not fired
	Of    []string // digests of all that the proof rests on, NAME:DIGEST
}

// Same reports whether the proof rests on what is there now. Parts that nobody could read now are
// left out of now, and do not count.
func (p Proof) Same(now []string) bool {
	have := map[string]string{}
	for _, x := range p.Of {
		name, d, _ := strings.Cut(x, ":")
		have[name] = d
	}
	for _, x := range now {
		if name, d, _ := strings.Cut(x, ":"); have[name] != d {
			return false
		}
	}
	return true
}

// Text is the proof in one word, as ParseProofs reads it.
func (p Proof) Text() string {
	how := map[bool]string{true: "fired", false: "since"}[p.Fired]
	return strings.Join(append([]string{p.Host, how, p.At, p.By}, p.Of...), ",")
}

// maxProofs bounds what a cluster's record may name.
const maxProofs = 128

// ParseProofs reads the record. A word of another form is none: the record of older versions did
// not say which of the devices had been fired.
func ParseProofs(record string) (out []Proof) {
	for _, w := range strings.Fields(record) {
		f := strings.Split(w, ",")
		if len(f) < 5 || f[1] != "fired" && f[1] != "since" || len(out) == maxProofs {
			continue
		}
		out = append(out, Proof{Host: f[0], Fired: f[1] == "fired", At: f[2], By: f[3], Of: f[4:]})
	}
	return out
}

// Fences reports whether a fence device of the configuration may cut the host's power: its list of
// hosts or its map names it, or it has neither and asks the device itself (Pacemaker Explained,
// "Special Meta-Attributes for Fencing Resources").
func (n *Node) Fences(host string) bool {
	all := true
	n.All(func(x *Node) {
		if x.Name != "nvpair" {
			return
		}
		switch x.Attrs["name"] {
		case "pcmk_host_list":
			all = false
			if slices.Contains(strings.FieldsFunc(x.Attrs["value"], between), host) {
				host = ""
			}
		case "pcmk_host_map":
			all = false
			for _, pair := range strings.FieldsFunc(x.Attrs["value"], between) {
				if name, _, _ := strings.Cut(pair, ":"); name == host {
					host = ""
				}
			}
		}
	})
	return all || host == ""
}

func between(r rune) bool { return strings.ContainsRune(" ,;\t\n", r) }
