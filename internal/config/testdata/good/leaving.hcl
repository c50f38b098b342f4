# Three members stay, one leaves: the step that takes it out stands before all others.
network "cluster" {
  cidr = "192.0.2.0/24"
}
host "db1" { address = "192.0.2.1" }
host "db2" { address = "192.0.2.2" }
host "db3" { address = "192.0.2.3" }
host "db4" { address = "192.0.2.4" }
cluster "shop" {
  recipe = "members"
  role "db" {
    hosts   = [host.db1, host.db2, host.db3]
    leaving = [host.db4]
  }
}
recipe "members" {
  on "db" {
    package "mariadb-server" {}
    galera "db" {}
  }
}
