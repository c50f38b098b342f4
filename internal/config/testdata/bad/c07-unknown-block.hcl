hots "db1" { address = "10.0.0.1" } # ERROR: Unknown block "hots"
host "db1" { address = "10.0.0.1" }
