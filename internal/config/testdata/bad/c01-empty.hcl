# FILE ERROR: Inventory has no hosts
