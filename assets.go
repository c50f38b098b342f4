// Package haprov carries the recipes, templates and inventories that are shipped in the program.
//
// A folder of the same name beside an inventory comes first: config looks there before here.
package haprov

import "embed"

// Shipped holds the folders recipes, templates and inventory.
//
//go:embed recipes templates inventory
var Shipped embed.FS
