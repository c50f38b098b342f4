network "a" { cidr = "10.0.0.0/24" }
host "db1" {
  network "a" { address = "10.9.0.1" } # ERROR: Address outside of its network
}
