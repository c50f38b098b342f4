network "n" { cidr = "10.0.0.0/24" }
host "a" { address = "10.0.0.1" }
host "b" { address = "10.0.0.2" }
cluster "one" {
  recipe = "own"
  role "r" { hosts = [host.a] }
  inputs = { port = 80 }
}
cluster "two" { # ERROR: Two clusters serve at "192.0.2.9:80"
  recipe = "own"
  role "r" { hosts = [host.b] }
  inputs = { port = 80 }
}

recipe "own" {
  endpoint "web" {
    address = "192.0.2.9"
    port    = input.port
  }
  input "port" {
    type = port
  }
  on "r" {
    directory "/srv/x" {}
  }
}
