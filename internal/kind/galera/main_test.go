package galera

import (
	"os"
	"testing"

	"haprov/internal/kind/kindtest"
)

func TestMain(m *testing.M) { os.Exit(kindtest.Main(m, os.Stderr)) }
