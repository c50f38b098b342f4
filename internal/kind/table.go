package kind

// Table lists every kind by name, in the order of the reference.
var Table = []Spec{
	packageSpec,
	fileSpec,
	directorySpec,
	symlinkSpec,
	lineSpec,
	userSpec,
	groupSpec,
	serviceSpec,
	sysctlSpec,
	kernelModuleSpec,
	filesystemSpec,
	mountSpec,
	commandSpec,
	requirementSpec,
	barrierSpec,
	drbdVolumeSpec,
	corosyncSpec,
	pacemakerSpec,
	fencingSpec,
	haproxySpec,
	galeraSpec,
	mysqlDatabaseSpec,
	mysqlUserSpec,
	mysqlImportSpec,
	mysqlSocketUserSpec,
	secretSpec,
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
