host "db1" {
  address = "10.0.0.1"
  fence "ipmi;x" {} # ERROR: Invalid name for a fence agent
}
