lab "nfs" { image = "debian-12" }
network "service" {
  cidr    = "192.168.63.0/24"
  carries = ["ssh", "ring", "service"]
}
network "replication" {
  cidr    = "192.168.64.0/24"
  carries = ["ring", "replication"]
}
host "nas1" {
  network "service" { address = "192.168.63.11" }
  network "replication" { address = "192.168.64.11" }
  disk "data" { size = "512MiB" }
  disk "state" { size = "128MiB" }
}
host "nas2" {
  network "service" { address = "192.168.63.12" }
  network "replication" { address = "192.168.64.12" }
  disk "data" { size = "512MiB" }
  disk "state" { size = "128MiB" }
}
host "desk" {
  memory = "512MiB"
  network "service" { address = "192.168.63.21" }
}
cluster "files" {
  recipe = "nfs-drbd"
  role "nas" { hosts = [host.nas1, host.nas2] }
  role "client" { hosts = [host.desk] }
  inputs = { vip = "192.168.63.100/24" }
}
