network "a" {
  cidr    = "10.0.0.0/24"
  carries = "ring" # ERROR: Wrong type for "carries"
}
host "db1" { address = "10.0.0.1" }
