host "db1" { address = "10.0.0.1" }
cluster "c" {
  recipe = "r"
}
recipe "r" {
  input "port" {
    type    = port
    default = 80
  }
  on "all" {
    package "p" { when = input.prot > 1 } # ERROR: Unknown name "prot"
  }
}
