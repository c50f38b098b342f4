recipe "stack" {
  about = "One of everything"

  input "vip" {
    type  = vip
    about = "Virtual IP with its prefix length"
  }
  input "password" {
    type      = string
    sensitive = true
  }
  input "settings" {
    type    = map(string)
    default = {}
  }
  input "port" {
    type    = port
    default = 3306
    check "ports below 1024 are for the system" { that = value >= 1024 }
  }

  role "db" {
    min = 2
    max = 2
  }

  on "all" {
    use "base" {
      inputs = { peers = [for h in cluster.hosts : h.name] }
    }
  }
  on "db" {
    package "server" { names = ["mariadb-server", "socat"] }
    sysctl "tuning" {
      for_each = input.settings
      value    = each.value
    }
    file "/etc/mysql/app.cnf" {
      template = "app.cnf.tmpl"
      mode     = 0640
      owes     = ["mariadb.service:restart"]
    }
    file "/etc/mysql/plain.cnf" {
      template = "plain.cnf.tmpl"
    }
    mount "/srv/data" {
      device = each.host.disk.data.device
      when   = each.host.vars.weight > 5
    }
    file "/etc/kernel-seen" {
      content = "${facts.kernel} ${each.host.id}\n"
      when    = facts.memory > 512
    }
    command "once for all" {
      place = "one"
      probe = "test -e /var/lib/once"
      run   = "touch /var/lib/once"
    }
    service "mariadb" {
      running = true
    }
  }
  on "proxy" {
    file "/etc/haproxy/servers" {
      content = join("\n", [for h in role.db.hosts : format("%s %s:%d", h.name, h.network.service.address, input.port)])
    }
  }

  active = "ip -o address | grep -qF ${cidraddress(input.vip)}"
  endpoint "database" {
    about    = "for the application"
    address  = cidraddress(input.vip)
    port     = input.port
    protocol = "mysql"
  }
  endpoint "console" {
    address = "console.example.net"
    port    = 8443
  }

  check "the database answers" {
    on       = "active"
    role     = "db"
    run      = "mysql --defaults-file=/etc/app.cnf -h ${cidraddress(input.vip)} -e 'select 1'"
    deadline = "1m"
  }
  check "a row is read back" {
    role   = "db"
    run    = "true"
    writes = true
  }
}
