network "a" { cidr = "10.0.0.0/24" }
host "db1" {
  network "b" { address = "10.0.0.1" } # ERROR: Unknown network "b"
}
