network "n" { cidr = "10.0.0.0/24" }
host "a" { address = "10.0.0.1" }
host "b" { address = "10.0.0.2" }
cluster "x" {
  recipe = "r"
  role "db" { hosts = [host.a, host.b] }
}
recipe "r" {
  endpoint "e" {
    address = cidrhost("10.0.0.0/24", 1.5) # ERROR: cidrhost(): wrong arguments
    port    = 1
  }
  on "db" {}
}
