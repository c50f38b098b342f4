network "a" { cidr = "10.0.0.0/24" }
network "b" { cidr = "10.0.0.128/25" } # ERROR: Networks overlap
host "db1" { address = "10.0.0.1" }
