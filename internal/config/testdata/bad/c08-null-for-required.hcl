network "a" { cidr = null } # ERROR: Wrong type for "cidr"
host "db1" { address = "10.0.0.1" }
