network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.300" } # ERROR: Invalid address
