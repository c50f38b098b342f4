host "db1" { address = "10.0.0.1" }
cluster "c" { recipe = "mysql-drdb" } # ERROR: Unknown recipe "mysql-drdb"
