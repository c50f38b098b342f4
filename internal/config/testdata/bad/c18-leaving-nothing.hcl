network "n" { cidr = "10.0.0.0/24" }
host "a" { address = "10.0.0.1" }
host "b" { address = "10.0.0.2" }
cluster "x" {
  recipe = "r"
  role "db" {
    hosts   = [host.a]
    leaving = [host.b] # ERROR: Hosts cannot leave this role
  }
}
recipe "r" {
  on "db" {
    package "socat" {}
  }
}
