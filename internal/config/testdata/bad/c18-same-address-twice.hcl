network "n" { cidr = "10.0.0.0/24" }
host "a" { address = "10.0.0.1" }
host "b" { address = "10.0.0.2" }
cluster "x" {
  recipe = "r"
  role "db" { hosts = [host.a] }
}
cluster "y" {
  recipe = "r"
  role "db" { hosts = [host.b] }
}
recipe "r" {
  on "db" {
    pacemaker "cib" { # ERROR: Two steps own "address 10.0.0.9"
      primitive "vip" {
        agent  = "ocf:heartbeat:IPaddr2"
        params = { ip = "10.0.0.9" }
      }
    }
  }
}
