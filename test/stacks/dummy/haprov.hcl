lab "dummy" { image = "debian-12" }
network "cluster" { cidr = "192.168.60.0/24" }
host "n1" { address = "192.168.60.11" }
host "n2" { address = "192.168.60.12" }
host "n3" { address = "192.168.60.13" }
cluster "d" {
  recipe = "dummy"
  role "node" { hosts = [host.n1, host.n2, host.n3] }
  inputs = { vip = "192.168.60.100/24" }
}
