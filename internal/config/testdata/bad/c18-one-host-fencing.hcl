network "n" { cidr = "10.0.0.0/24" }
host "a" { address = "10.0.0.1" }
cluster "x" {
  recipe = "r"
  role "db" { hosts = [host.a] }
}
recipe "r" {
  on "db" {
    fencing "x" {} # ERROR: Nobody is there to fence the host
  }
}
