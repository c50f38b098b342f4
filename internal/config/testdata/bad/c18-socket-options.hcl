network "n" { cidr = "10.0.0.0/24" }
host "a" { address = "10.0.0.1" }
host "b" { address = "10.0.0.2" }
cluster "x" {
  recipe = "r"
  role "db" { hosts = [host.a, host.b] }
}
recipe "r" {
  on "db" {
    haproxy "writer" { # socat would read the rest as options
      key    = "3306"
      socket = "/run/x.sock,fork" # ERROR: Invalid path that socat accepts
    }
  }
}
