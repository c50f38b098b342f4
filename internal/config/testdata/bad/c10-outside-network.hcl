network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.9.0.1" } # ERROR: Address is in no network
