host "db1" { address = "10.0.0.1" } # ERROR: Host has no fencing
cluster "c" { recipe = "r" }
recipe "r" { needs = ["fencing"] }
