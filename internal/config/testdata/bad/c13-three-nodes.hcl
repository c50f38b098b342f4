host "db1" { address = "10.0.0.1" }
host "db2" { address = "10.0.0.2" }
host "db3" { address = "10.0.0.3" }
cluster "c" {
  recipe = "r"
  role "db" { hosts = [host.db1, host.db2, host.db3] } # ERROR: Role "db" has a wrong size
}
recipe "r" {
  role "db" {
    min = 2
    max = 2
  }
  on "db" {}
}
