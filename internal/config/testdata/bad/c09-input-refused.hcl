host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
  inputs = { n = 2 } # ERROR: Invalid value for input "n"
}
recipe "r" {
  input "n" {
    type = number
    check "at least three are needed" { that = value >= 3 }
  }
}
