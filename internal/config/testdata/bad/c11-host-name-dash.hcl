host "-db1" { address = "10.0.0.1" } # ERROR: Invalid name for a host
