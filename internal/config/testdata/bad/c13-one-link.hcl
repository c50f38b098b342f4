network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.1" } # ERROR: Host has one ring link
cluster "c" { recipe = "r" }
recipe "r" { needs = ["two_links"] }
