host "db1" { address = "10.0.0.1" }
host "db2" { address = "10.0.0.1" } # ERROR: Address "10.0.0.1" is defined twice
