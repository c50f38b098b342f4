host "db1" { address = "10.0.0.1" }
cluster "c c" { recipe = "r" } # ERROR: Bad name for a cluster
recipe "r" {}
