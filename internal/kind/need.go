package kind

import "haprov/internal/preflight"

// Needer is implemented by steps that need something of a host which no step brings about: a kernel
// module, its name, free room, a tool. All hosts are looked at before anything is changed on any.
type Needer interface {
	// Needs lists them for one of the step's hosts. It may be called at any time.
	Needs(host string) []preflight.Need
}
