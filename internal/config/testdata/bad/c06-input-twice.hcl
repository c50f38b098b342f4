host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
}
recipe "r" {
  input "a" {
    type    = string
    default = ""
  }
  input "a" { # ERROR: Input "a" is defined twice
    type    = string
    default = ""
  }
}
