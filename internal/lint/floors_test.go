package lint

import (
	"strings"
	"testing"

	"haprov"
)

// TestTheFloorsAreThoseOfTheRecipe: a version that haprov would not install is told, and no other.
func TestTheFloorsAreThoseOfTheRecipe(t *testing.T) {
	text, err := haprov.Shipped.ReadFile("recipes/galera.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if want := `default = ["` + strings.Join(floors, `", "`) + `"]`; !strings.Contains(string(text), want) {
		t.Errorf("the recipe has no %s", want)
	}
}
