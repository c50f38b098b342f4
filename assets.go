// Package haprov carries the recipes, templates, inventories, faults and the Vagrantfile that are shipped in
// the program.
//
// A folder of the same name beside an inventory comes first: config looks there before here.
package haprov

import "embed"

// Shipped holds the folders recipes, templates, inventory and faults, and vagrant/Vagrantfile.
//
//go:embed recipes templates inventory faults vagrant/Vagrantfile
var Shipped embed.FS

// Default is the shipped inventory that is read when none is named and none is there.
const Default = "inventory/mysql-drbd.hcl"
