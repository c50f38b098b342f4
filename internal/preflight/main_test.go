package preflight

import (
	"os"
	"testing"

	"haprov/internal/shell/shelltest"
)

// What is run on a host needs no more than a Debian has.
func TestMain(m *testing.M) { os.Exit(shelltest.Run(m)) }
