network "n" { cidr = "10.0.0.0/24" }
host "a" { address = "10.0.0.1" }
host "b" { address = "10.0.0.2" }
cluster "x" {
  recipe = "r"
  role "db" { hosts = [host.a, host.b] }
}
recipe "r" {
  input "first" {
    type    = number
    default = 5
  }
  input "second" {
    type    = number
    default = 1 # ERROR: Invalid value for input "second"
    check "expected more than first" { that = value > input.first }
    check "expected more than third" { that = value > input.third }
  }
  input "third" {
    type    = number
    default = 1
  }
  on "db" {}
}
