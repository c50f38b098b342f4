network "n" { cidr = "10.0.0.0/24" }
host "a" { address = "" } # ERROR: Host has no address
