network "n" { cidr = "10.0.0.0/24" }
host "mq1" { address = "10.0.0.1" }
host "mq2" { address = "10.0.0.2" }
cluster "queues" {
  recipe = "own"
  role "mq" { hosts = [host.mq1, host.mq2] }
}

recipe "own" {
  on "mq" {
    # restarts at once, and restarts one by one
    service "rabbitmq-server" {}
    rolling "rabbitmq-server.service" { # ERROR: Two steps own "starts and stops of rabbitmq-server.service"
      ready = "true"
    }
    # left to the rolling step: both may be
    service "epmd" { restarts = "rolling" }
    rolling "epmd.service" {
      ready = "true"
    }
    # started at boot is not started now
    service "haproxy" { enabled = false }
    service "squid" {}
    pacemaker "cib" { # ERROR: Two steps own "starts and stops of squid.service"
      primitive "proxy" { agent = "systemd:haproxy" }
      primitive "cache" { agent = "systemd:squid" }
    }
  }
}
