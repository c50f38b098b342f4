host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
  role "db" { hosts = [host.db1, host.db1] } # ERROR: Host "db1" is listed twice
}
recipe "r" {
  on "db" {}
}
