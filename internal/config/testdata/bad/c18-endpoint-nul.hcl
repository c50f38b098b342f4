network "n" { cidr = "10.0.0.0/24" }
host "a" { address = "10.0.0.1" }
host "b" { address = "10.0.0.2" }
cluster "x" {
  recipe = "r"
  role "db" { hosts = [host.a, host.b] }
}
recipe "r" {
  endpoint "e" {
    address = "10.0\u0000.0.9" # ERROR: Invalid address of an endpoint
    port    = 3306
  }
  on "db" {}
}
