package galera

import "haprov/internal/preflight"

// Needs is room for the data.
func (g *Galera) Needs(string) []preflight.Need { return []preflight.Need{{Room: g.Data}} }
