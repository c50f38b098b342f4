package host

import "haprov/internal/preflight"

// Needs is room for what apt fetches and unpacks.
func (p *Package) Needs(string) []preflight.Need {
	return []preflight.Need{{Room: "/var/cache/apt"}, {Room: "/usr"}}
}

// Needs is the tool that loads modules: a container, or a very small system, has none.
func (k *KernelModule) Needs(string) []preflight.Need {
	return []preflight.Need{{Tool: "modprobe", Package: "kmod"}}
}
