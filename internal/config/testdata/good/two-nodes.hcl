# A lab of two networks, groups, variables, secrets: what a stack's inventory looks like.
lab "shop" {
  driver = "uml"
  memory = "768MiB"
}

network "front" {
  cidr    = "192.168.56.0/24"
  carries = ["ssh", "service", "ring"]
}
network "back" {
  cidr    = "192.168.57.0/24"
  carries = ["ring", "replication"]
}

host "db1" {
  address = "192.168.56.11"
  network "back" { address = cidrhost(network.back.cidr, 11) }
  disk "data" { size = "2GiB" }
  vars = { weight = 10 }
}
host "db2" {
  address = "192.168.56.12"
  network "back" { address = cidrhost(network.back.cidr, 12) }
  disk "data" { size = "2GiB" }
  memory = "1GiB"
}
host "proxy1" { address = "192.168.56.21" }

group "database" {
  hosts = [host.db1, host.db2]
  vars  = { weight = 1, tier = "data" }
}
group "all-of-them" { hosts = [group.database, "proxy1"] }

cluster "shop" {
  recipe = "stack"
  role "db" { hosts = [group.database] }
  role "proxy" { hosts = [host.proxy1] }
  inputs = {
    vip      = "192.168.56.100/24"
    password = secret("app")
    settings = { "net.core.somaxconn" = "4090", "vm.swappiness" = "1" }
  }
}
