network "a" { cidr = "10.0.0.0/24" }
network "a" { cidr = "10.1.0.0/24" } # ERROR: Network "a" is defined twice
host "db1" { address = "10.0.0.1" }
