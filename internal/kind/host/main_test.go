package host

import (
	"os"
	"testing"

	"haprov/internal/kind/kindtest"
	"haprov/internal/shell/shelltest"
)

// Steps of one host need what shelltest.OnHosts lists, and the tools of what they are about.
func TestMain(m *testing.M) {
	os.Exit(kindtest.Main(only{m}, os.Stderr))
}

type only struct{ m *testing.M }

func (o only) Run() int { return shelltest.Run(o.m, "mkfs.ext4", "losetup") }
