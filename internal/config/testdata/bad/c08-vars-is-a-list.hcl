host "db1" {
  address = "10.0.0.1"
  vars    = ["x"] # ERROR: Wrong type for "vars"
}
