host "db1" {
  adress = "10.0.0.1" # ERROR: Unknown argument "adress"
  address = "10.0.0.1"
}
