host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
  role "dbs" { hosts = [host.db1] } # ERROR: Unknown role "dbs"
  role "db" { hosts = [host.db1] }
}
recipe "r" {
  on "db" {}
}
