package kind

// Table lists every kind by name, in the order of the reference.
var Table = []Spec{
	packageSpec,
	fileSpec,
	serviceSpec,
}

// Lookup finds a kind by its block name.
func Lookup(name string) (Spec, bool) {
	for _, s := range Table {
		if s.Name == name {
			return s, true
		}
	}
	return Spec{}, false
}
