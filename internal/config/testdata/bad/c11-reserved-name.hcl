lab "l" {}
network "a" { cidr = "10.0.0.0/24" }
host "gateway" { address = "10.0.0.11" } # ERROR: Host name is reserved
