host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
  inputs = { prot = 81 } # ERROR: Unknown input "prot"
}
recipe "r" {
  input "port" {
    type    = port
    default = 80
  }
}
