host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
  inputs = { password = "hunter2" } # ERROR: Wrong type for input "password"
}
recipe "r" {
  input "password" {
    type      = list(string)
    sensitive = true
  }
}
