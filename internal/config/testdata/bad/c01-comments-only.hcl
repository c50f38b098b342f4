# nothing here
// nor here
/* nor
here */
# FILE ERROR: Inventory has no hosts
