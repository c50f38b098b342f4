host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
  inputs = { n = "3" } # ERROR: Wrong type for input "n"
}
recipe "r" {
  input "n" { type = number }
}
