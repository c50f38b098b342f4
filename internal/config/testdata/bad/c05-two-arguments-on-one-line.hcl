host "db1" { address = "10.0.0.1", memory = "1GiB" } # ERROR: Invalid single-argument block definition
