network "n" { cidr = "10.0.0.0/24" }
host "a" { address = "10.0.0.1" }
host "b" { address = "10.0.0.2" }
cluster "x" {
  recipe = "r"
  role "db" { hosts = [host.a, host.b] }
}
recipe "r" {
  endpoint "e" {
    address = input.vip # ERROR: Unknown name "vip"
    port    = 80
  }
  endpoint "f" {
    address = ["10.0.0.9"] # ERROR: Wrong type for "address"
    port    = secret("a") # ERROR: Wrong type for "port"
  }
  on "db" {}
}
