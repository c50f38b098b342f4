# The two-node reference environment: two machines of an own lab, a data disk each, two networks.
lab "mysql-drbd" {
  image = "debian-12"
}

network "service" {
  cidr    = "192.168.56.0/24"
  carries = ["ssh", "ring", "service"]
}

network "replication" {
  cidr    = "192.168.57.0/24"
  carries = ["ring", "replication"]
}

host "db1" {
  network "service" { address = "192.168.56.11" }
  network "replication" { address = "192.168.57.11" }
  disk "data" { size = "2GiB" }
}

host "db2" {
  network "service" { address = "192.168.56.12" }
  network "replication" { address = "192.168.57.12" }
  disk "data" { size = "2GiB" }
}

cluster "shop" {
  recipe = "mysql-drbd"
  role "db" { hosts = [host.db1, host.db2] }
  inputs = {
    vip         = "192.168.56.100/24"
    require_tls = true
  }
}
