host "db1" { address = "10.0.0.1" }
host "db1" { address = "10.0.0.2" } # ERROR: Host "db1" is defined twice
