host "db1" { address = "192.0.2.1" }
host "db2" { address = "192.0.2.2" }
cluster "shop" {
  recipe = "members"
  role "db" { # ERROR: Host "db2" is both in hosts and in leaving
    hosts   = [host.db1, host.db2]
    leaving = [host.db2]
  }
}
recipe "members" {
  on "db" {
    package "mariadb-server" {}
  }
}
