host "db1" { address = "fe80::1%eth0" } # ERROR: Invalid address
