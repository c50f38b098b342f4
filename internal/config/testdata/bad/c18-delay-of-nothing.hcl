network "n" { cidr = "10.0.0.0/24" }
host "a" { address = "10.0.0.1" }
host "b" { address = "10.0.0.2" }
cluster "x" {
  recipe = "r"
  role "db" { hosts = [host.a, host.b] }
}
recipe "r" {
  on "db" {
    pacemaker "cib" {
      properties = { priority-fencing-delay = "0s" }
      fence { delay = "0s" } # ERROR: Nothing delays the fencing of either
    }
  }
}
