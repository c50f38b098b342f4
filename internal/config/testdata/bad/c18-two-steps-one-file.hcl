network "n" { cidr = "10.0.0.0/24" }
host "a" { address = "10.0.0.1" }
host "b" { address = "10.0.0.2" }
cluster "x" {
  recipe = "r"
  role "db" { hosts = [host.a, host.b] }
}
recipe "r" {
  on "db" {
    file "/etc/x" { content = "x" }
    file "again" { # ERROR: Two steps own "file /etc/x"
      path    = "/etc/x"
      content = "y"
    }
    line "of it" { # ERROR: Two steps own "file /etc/x"
      path = "/etc/x"
      line = "z"
    }
    line "one" {
      path = "/etc/y"
      line = "1"
    }
    line "two" {
      path = "/etc/y"
      line = "2"
    }
    file "/etc/sysctl.d/90-haprov-vm.swappiness.conf" { content = "x" }
    sysctl "vm.swappiness" { value = "1" } # ERROR: Two steps own "file /etc/sysctl.d/90-haprov-vm.swappiness.conf"
    # what waits for facts is known by its name
    file "/etc/z" { content = facts.hostname }
    symlink "/etc/z" { target = "x" } # ERROR: Two steps own "file /etc/z"
  }
}
