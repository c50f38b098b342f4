package host

import "regexp"

// What may stand in the names of packages, units and settings.
var (
	packageName = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`)
	versionText = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+:~-]*$`)
	unitName    = regexp.MustCompile(`^[A-Za-z0-9:_.@-]+\.(service|socket|target|timer|path|mount|automount|swap|slice|scope)$`)
	sysctlKey   = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$`)
)

// mode4 writes a mode as stat does here: four digits.
func mode4(m string) string {
	if len(m) == 3 {
		return "0" + m
	}
	return m
}
