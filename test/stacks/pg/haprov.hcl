lab "pg" { image = "debian-12" }
network "service" {
  cidr    = "192.168.61.0/24"
  carries = ["ssh", "ring", "service"]
}
network "replication" {
  cidr    = "192.168.62.0/24"
  carries = ["ring", "replication"]
}
host "pg1" {
  network "service" { address = "192.168.61.11" }
  network "replication" { address = "192.168.62.11" }
  disk "data" { size = "1GiB" }
}
host "pg2" {
  network "service" { address = "192.168.61.12" }
  network "replication" { address = "192.168.62.12" }
  disk "data" { size = "1GiB" }
}
cluster "books" {
  recipe = "postgres-drbd"
  role "pg" { hosts = [host.pg1, host.pg2] }
  inputs = { vip = "192.168.61.100/24" }
}
