host "db1" { address = "10.0.0.1" }
cluster "c" { recipe = "r" } # ERROR: Missing role "db"
recipe "r" {
  on "db" {}
}
