network "a" { cidr = "127.0.0.0/8" } # ERROR: Bad network
host "db1" { address = "127.0.0.1" }
