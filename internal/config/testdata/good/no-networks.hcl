# Machines that exist, by name, and a recipe in the same file.
ssh {
  user        = "admin"
  keys        = ["id_ed25519"]
  known_hosts = ["/etc/known"]
  sudo        = true
}
host "web-1" {
  address = "web-1.example.net"
  disk "data" { device = "/dev/disk/by-id/abc" }
  fence "fence_ipmilan" {
    options = { ip = "10.0.0.5", password = secret("ipmi") }
  }
}
host "web-2" {
  address = "127.0.0.1"
  ssh {
    port = 2222
    sudo = false
  }
}
cluster "web" { recipe = "site" }
recipe "site" {
  on "all" {
    package "nginx" {}
    package "tools" {
      for_each = ["jq", "lsof"]
      when     = each.host.name == "web-1"
    }
  }
}
