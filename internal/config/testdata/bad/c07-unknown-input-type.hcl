host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
}
recipe "r" {
  input "a" {
    type    = strin # ERROR: Unknown type "strin"
    default = ""
  }
}
