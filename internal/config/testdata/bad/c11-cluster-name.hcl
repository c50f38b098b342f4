host "db1" { address = "10.0.0.1" }
cluster "c c" { recipe = "r" } # ERROR: Invalid name for a cluster
recipe "r" {}
