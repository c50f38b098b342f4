host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
  inputs = { n = 70000 } # ERROR: Input "n" is out of range
}
recipe "r" {
  input "n" { type = port }
}
