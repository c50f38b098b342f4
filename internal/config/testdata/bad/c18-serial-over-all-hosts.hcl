host "db1" { address = "10.0.0.1" }
host "db2" { address = "10.0.0.2" }
cluster "c" { recipe = "r" }
recipe "r" {
  on "all" {
    serial = 1
    package "less" {}
    rolling "nginx.service" { # ERROR: Step over all hosts in a serial block
      ready = "true"
    }
  }
}
