recipe "clock" {
  about = "chrony follows time servers; what comes after it waits until it does"

  input "servers" {
    type  = list(string)
    about = "Names or addresses of time servers; four tell which of them is wrong"
  }

  on "all" {
    # The package of chrony is not installed beside this one, and haprov removes nothing unasked.
    package "systemd-timesyncd" { removed = true }
    package "chrony" {}
    file "/etc/chrony/chrony.conf" {
      content = join("\n", concat([for s in input.servers : "server ${s} iburst"], [
        "driftfile /var/lib/chrony/chrony.drift",
        "makestep 1 3",
        "rtcsync",
        "",
      ]))
      owes = ["chrony.service:restart"]
    }
    service "chrony" {}
    wait "the clock is synchronised" { until = "chronyc -n waitsync 1" }
  }
}
