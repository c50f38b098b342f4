// Package haprov carries the recipes, templates, inventories and the Vagrantfile that are shipped in
// the program.
//
// A folder of the same name beside an inventory comes first: config looks there before here.
package haprov

import "embed"

// Shipped holds the folders recipes, templates and inventory, and vagrant/Vagrantfile.
//
//go:embed recipes templates inventory vagrant/Vagrantfile
var Shipped embed.FS
