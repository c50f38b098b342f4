host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
  inputs = {
    a = "1"
    a = "2" # ERROR: Input "a" is defined twice
  }
}
recipe "r" {
  input "a" { type = string }
}
