host "db1" { address = "10.0.0.1" }
cluster "a" { recipe = "r" }
cluster "b" { recipe = "r" } # ERROR: Cluster host "db1" is defined twice
recipe "r" {}
