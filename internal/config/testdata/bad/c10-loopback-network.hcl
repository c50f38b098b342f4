network "a" { cidr = "127.0.0.0/8" } # ERROR: Invalid network
host "db1" { address = "127.0.0.1" }
