# Three or more hosts that all hold the database (MariaDB with Galera), and proxies in front of them
# with a virtual IP: one server at a time for writers, all healthy ones for readers.
# Values come from the packages of Debian 12 and the documentation of Galera and HAProxy 2.6.
recipe "galera" {
  about  = "MariaDB Galera: every member holds all rows; HAProxy with one writer behind a virtual IP"
  needs  = ["replication"]
  active = "test \"$(/usr/local/lib/haprov/galera-writer)\" = ${each.host.name}"

  endpoint "writers" {
    about    = "one member at a time, for clients that write"
    address  = cidraddress(input.vip)
    port     = 3306
    protocol = "mysql"
    ca       = authority()
  }
  endpoint "readers" {
    about    = "all healthy members, for clients that read"
    address  = cidraddress(input.vip)
    port     = input.reader_port
    protocol = "mysql"
    ca       = authority()
  }

  input "vip" {
    type  = vip
    about = "Virtual IP with its prefix length; writers use its port 3306"
  }
  input "reader_port" {
    type    = port
    default = 3307
    about   = "Port of the virtual IP for readers: sessions are spread over all healthy members"
  }
  input "database" {
    type    = string
    default = "app"
    about   = "The application's database"
  }
  input "server" {
    type    = string
    default = "mariadb"
    about   = "The members' database server; there is no other than mariadb"
    check "expected mariadb: Debian's galera-4 is a provider of MariaDB, and MySQL has no place for one; server = \"mysql\" goes with recipe mysql-drbd" { that = value == "mariadb" }
  }
  input "import" {
    type    = string
    default = ""
    about   = "A dump on one of the hosts of the role db, whole path: read once into the new database"
  }
  input "durability" {
    type    = string
    default = "full"
    about   = "full: every acknowledged row is on the disk; fast: only on its way there"
    check "expected full or fast" { that = contains(["full", "fast"], value) }
    check "with \"fast\" acknowledged rows are lost when all members lose power at once; recover cannot bring them back" {
      that = value != "fast"
      warn = true
    }
  }
  input "binlog_days" {
    type    = number
    default = 7
    about   = "Days that each member keeps its binary log"
    check "expected 1 to 99" { that = value >= 1 && value <= 99 }
  }
  input "gcache" {
    type    = string
    default = "1G"
    about   = "Size of the write-set cache: a member that was away for less than this gets only what it missed"
    check "expected a size such as 1G or 512M" { that = length(split("G", replace(value, "M", "G"))) == 2 }
  }
  input "buffer_pool" {
    type    = string
    default = ""
    about   = "innodb_buffer_pool_size; empty: the server's own default"
  }
  input "require_tls" {
    type    = bool
    default = false
    about   = "Clients from the network must use TLS, others are refused; the local socket needs none. With false they may use it"
  }
  input "donor_serves" {
    type    = bool
    default = false
    about   = "A member that gives a full copy to another stays in the proxies"
  }
  # All times by which members and proxies take each other for lost. Galera's own defaults are those of
  # normal ("Galera Parameters": evs.suspect_timeout PT5S, evs.inactive_timeout PT15S, install PT7.5S);
  # inactive must be more than suspect. VRRP below one second needs its version 3.
  input "speed" {
    type    = string
    default = "normal"
    about   = "How soon a silent member or proxy is given up: fast, normal or patient; fast wants machines that never stand still for a second, as virtual ones do while they are moved or copied"
    check "expected fast, normal or patient" { that = contains(["fast", "normal", "patient"], value) }
  }
  input "times" {
    type = any
    default = {
      fast    = { suspect = "PT2S", inactive = "PT6S", install = "PT6S", keepalive = "PT0.5S", look = "PT0.5S", check = "1s", fast_check = "300ms", advert = "0.3", vrrp = 3 }
      normal  = { suspect = "PT5S", inactive = "PT15S", install = "PT7.5S", keepalive = "PT1S", look = "PT0.5S", check = "2s", fast_check = "1s", advert = "1", vrrp = 2 }
      patient = { suspect = "PT10S", inactive = "PT30S", install = "PT15S", keepalive = "PT1S", look = "PT1S", check = "4s", fast_check = "2s", advert = "2", vrrp = 2 }
    }[input.speed]
    about = "The single times that speed sets"
  }
  input "maintenance_file" {
    type    = string
    default = "/etc/haprov/maintenance"
    about   = "While this file is there, the proxies send nobody to the member"
  }
  input "virtual_router" {
    type    = number
    default = 51
    about   = "VRRP's number of the virtual IP, 1 to 255, unique in its network"
    check "expected 1 to 255" { that = value >= 1 && value <= 255 }
  }
  input "mariadb_floor" {
    type    = list(string)
    default = ["10.6.27", "10.11.18", "11.4.12", "11.8.8"]
    about   = "First version of each series without known command injection, in order"
  }
  input "galera_floor" {
    type    = list(string)
    default = ["26.4.16"]
    about   = "First version of the provider that is taken"
  }

  role "db" {
    about = "an odd number, so that one half is always the larger"
    min   = 3
    max   = 9
  }
  role "proxy" {
    about = "two for the virtual IP to have somewhere to go; they may be hosts of the role db"
    min   = 1
    max   = 9
  }

  on "db" {
    requirement "MariaDB without known holes" {
      probe = template("floor.tmpl", { package = "mariadb-server", floors = input.mariadb_floor })
    }
    requirement "a Galera provider that is recent enough" {
      probe = template("floor.tmpl", { package = "galera-4", floors = input.galera_floor })
    }
    requirement "no databases that would be replaced" {
      probe  = file("galera-strange.tmpl")
      repair = "dump them for the input import, stop that server, move what is in /var/lib/mysql away, and there: mariadb-install-db --user=mysql"
    }
    requirement "no group that something else set up" {
      probe  = template("other-galera.tmpl", { cluster = cluster.name })
      repair = "haprov import writes the inventory of that group, with its name; for a new one take machines without a group"
    }
  }

  on "all" {
    # a lab on User-Mode Linux has no packet filter
    package "nftables" { when = lab.can.filter_packets }
    # full copies go through it, and so do questions to HAProxy
    package "socat" {}
    directory "/etc/haprov" { mode = "0755" }
    directory "/etc/haprov/firewall" {}
    directory "/usr/local/lib/haprov" {}
    file "/etc/apt/apt.conf.d/52haprov" {
      content = template("unattended.conf.tmpl", { packages = ["mariadb-", "galera-", "haproxy", "keepalived"] })
    }
    directory "/etc/needrestart/conf.d" {}
    file "/etc/needrestart/conf.d/haprov.conf" {
      content = template("needrestart.conf.tmpl", { services = ["mariadb", "haproxy", "keepalived"] })
    }
    file "/etc/systemd/system/haprov-firewall@.service" {
      content = file("firewall@.service")
    }
  }

  on "db" {
    package "mariadb-server" {}
    package "galera-4" {}
    # the full copy for a new member: taken while the donor goes on, sent over TLS
    package "mariadb-backup" {}
    package "openssl" {}

    # group traffic and copies are for members alone, from the first start on
    file "/etc/haprov/firewall/galera.nft" {
      content = template("galera-firewall.nft.tmpl", {
        address = each.host.network.service.address
        members = [for h in role.db.hosts : { address = h.network.replication.address }]
        friends = distinct(concat([for h in role.db.hosts : h.network.service.address], [for h in role.proxy.hosts : h.network.service.address]))
      })
      validate = "nft -c -f %s"
      owes     = ["haprov-firewall@galera.service:reload"]
      when     = lab.can.filter_packets
    }
    service "haprov-firewall@galera" { when = lab.can.filter_packets }

    directory "/etc/mysql/tls" {}
    # for the group and for clients, who come by the virtual IP, or by haprov forward on loopback
    file "/etc/mysql/tls/ca.pem" {
      content = authority()
      mode    = "0644"
      owes    = ["mariadb.service:reload"]
    }
    file "/etc/mysql/tls/cert.pem" {
      content = certificate(each.host.name, split("/", input.vip)[0], each.host.network.service.address, "localhost", "127.0.0.1").cert
      mode    = "0644"
      owes    = ["mariadb.service:reload"]
    }
    secret "/etc/mysql/tls/key.pem" {
      value = certificate(each.host.name, split("/", input.vip)[0], each.host.network.service.address, "localhost", "127.0.0.1").key
      owner = "mysql"
      group = "mysql"
      owes  = ["mariadb.service:reload"]
    }

    # who the writer is, and so who should not be a donor
    file "/usr/local/lib/haprov/galera-writer" {
      content = template("galera-writer.tmpl", { vip = split("/", input.vip)[0] })
      mode    = "0755"
    }
    file "/usr/local/lib/haprov/galera-donors" {
      content = template("galera-donors.tmpl", { others = [for h in role.db.hosts : { name = h.name } if h.name != each.host.name] })
      mode    = "0755"
    }

    file "/etc/mysql/mariadb.conf.d/90-haprov.cnf" {
      content = template("galera.cnf.tmpl", {
        # of the address: it stays when hosts are added or taken out
        id          = split(".", each.host.network.service.address)[1] * 65536 + split(".", each.host.network.service.address)[2] * 256 + split(".", each.host.network.service.address)[3]
        address     = each.host.network.service.address
        node        = each.host.network.replication.address
        name        = each.host.name
        cluster     = cluster.name
        durable     = input.durability == "full"
        gcache      = input.gcache
        times       = input.times
        binlog_days = input.binlog_days
        buffer_pool = input.buffer_pool
        require_tls = input.require_tls
      })
      owes = ["mariadb.service:restart"]
    }
    file "/etc/mysql/mariadb.conf.d/91-haprov-members.cnf" {
      content = template("galera-members.cnf.tmpl", { members = [for h in role.db.hosts : { address = h.network.replication.address }] })
    }
    # the galera step starts and restarts the server; at boot a member joins by itself
    service "mariadb" {
      enabled = true
      drop_in = file("galera.service")
    }

    user "clustercheck" {
      system = true
      home   = "/nonexistent"
      shell  = "/usr/sbin/nologin"
    }
    file "/usr/local/lib/haprov/galera-health" {
      content = file("galera-health")
      owes    = ["haprov-health.service:restart"]
    }
    file "/etc/systemd/system/haprov-health.service" {
      content = template("galera-health.service.tmpl", {
        address      = each.host.network.service.address
        seconds      = 2 * lab.speed
        donor_serves = input.donor_serves
        maintenance  = input.maintenance_file
      })
      owes = ["haprov-health.service:restart"]
    }
    service "haprov-health" {}

    galera "db" {
      writer      = "/usr/local/lib/haprov/galera-writer"
      maintenance = input.maintenance_file
    }
    # renewed certificates need no restart; a restart that is owed reads them, too
    mysql_tls "mariadb.service" {}

    # mariabackup needs no more; the package gives this account everything
    mysql_socket_user "mysql" {
      privileges = ["RELOAD", "PROCESS", "LOCK TABLES", "BINLOG MONITOR"]
      place      = "one"
    }
    mysql_socket_user "clustercheck" {
      privileges = []
      place      = "one"
    }
    mysql_database "app" {
      database = input.database
      place    = "one"
    }
    mysql_user "app" {
      password = secret("app")
      former   = former("app")
      database = input.database
      place    = "one"
    }
    # what haprov drill uses: a database and an account of its own
    mysql_database "drill" {
      database = "drill"
      place    = "one"
    }
    mysql_user "drill" {
      password = secret("drill")
      former   = former("drill")
      database = "drill"
      place    = "one"
    }
    mysql_import "app" {
      file     = input.import
      database = input.database
      place    = "one"
      when     = input.import != ""
    }
  }

  on "proxy" {
    requirement "the virtual IP is nobody else's" {
      probe  = template("vip-free.tmpl", { vip = split("/", input.vip)[0], members = [for h in concat(role.proxy.hosts, role.proxy.leaving) : h.network.service.address] })
      repair = "take another one for the input vip, or find that machine"
    }
    package "haproxy" {}
    package "keepalived" {}

    file "/etc/haprov/firewall/haproxy.nft" {
      content  = template("haproxy-firewall.nft.tmpl", { proxies = [for h in role.proxy.hosts : { address = h.network.service.address }] })
      validate = "nft -c -f %s"
      owes     = ["haprov-firewall@haproxy.service:reload"]
      when     = lab.can.filter_packets
    }
    service "haprov-firewall@haproxy" { when = lab.can.filter_packets }

    # both proxies listen on the virtual IP, which only one of them has
    sysctl "net.ipv4.ip_nonlocal_bind" { value = "1" }

    file "/etc/default/haproxy" {
      content = "# Kept by haprov\nEXTRAOPTS=\"-S /run/haproxy-master.sock -L ${each.host.name} -f /etc/haproxy/haprov-members.cfg\"\n"
      owes    = ["haproxy.service:restart"]
    }
    file "/etc/haproxy/haprov-members.cfg" {
      content = template("haproxy-members.cfg.tmpl", {
        vip     = split("/", input.vip)[0]
        inter   = input.times.check
        fast    = input.times.fast_check
        proxies = [for h in role.proxy.hosts : { name = h.name, address = h.network.service.address }]
        friends = distinct(concat([for h in role.db.hosts : h.network.service.address], [for h in role.proxy.hosts : h.network.service.address]))
        members = [for h in role.db.hosts : {
          name    = h.name
          address = h.network.service.address
          id      = split(".", h.network.service.address)[1] * 65536 + split(".", h.network.service.address)[2] * 256 + split(".", h.network.service.address)[3]
        }]
      })
      validate = "haproxy -c -q -L ${each.host.name} -f /etc/haproxy/haproxy.cfg -f %s"
      owes     = ["haproxy.service:reload"]
    }
    file "/etc/haproxy/haproxy.cfg" {
      content = template("haproxy.cfg.tmpl", {
        vip         = split("/", input.vip)[0]
        reader_port = input.reader_port
        seconds     = 2 * lab.speed
        maxconn     = 2000
      })
      validate = "haproxy -c -q -L ${each.host.name} -f %s -f /etc/haproxy/haprov-members.cfg"
      owes     = ["haproxy.service:reload"]
    }
    service "haproxy" {}

    file "/usr/local/lib/haprov/proxy-check" {
      content = file("proxy-check")
      mode    = "0755"
    }
    file "/etc/keepalived/keepalived.conf" {
      content = template("keepalived.conf.tmpl", {
        name      = each.host.name
        interface = facts.interfaces[each.host.network.service.address]
        address   = each.host.network.service.address
        priority  = [for i, n in sort([for h in role.proxy.hosts : h.name]) : 200 - i if n == each.host.name][0]
        router    = input.virtual_router
        vip       = input.vip
        advert    = input.times.advert
        version   = input.times.vrrp
        peers     = [for h in role.proxy.hosts : { address = h.network.service.address } if h.name != each.host.name]
      })
      mode     = "0644"
      validate = "keepalived -t -f %s"
      owes     = ["keepalived.service:reload"]
    }
    service "keepalived" {}
  }

  # a first full copy may take long, and proxies have nothing to say before
  on "all" {
    barrier "a member serves" { any = [for h in role.db.hosts : h.name] }
  }
  on "proxy" {
    haproxy "writer" { key = "3306" }
  }

  check "every member is Synced in the primary component and may serve" {
    on       = "each"
    # asked as the proxies ask, by the account that answers them
    run      = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | socat -t 10 - TCP:${each.host.network.service.address}:9200 | head -n 1 | tee /dev/stderr | grep -qE '^HTTP/1.0 (200|503 maintenance)'"
    deadline = "1m"
  }
  check "the database answers on the virtual IP" {
    on       = "active"
    run      = "timeout 10 mariadb -N -e 'select 1' >/dev/null"
    deadline = "1m"
  }

  load "mysql" {
    user     = "drill"
    database = "drill"
    scan     = "timeout 60 mariadb -N -e 'SET wsrep_sync_wait = 1; SELECT id FROM drill.added'"
    scan_on  = "each"
    readers  = "readers"
    members  = "db"
  }
  promise "no acknowledged row is lost" { judge = "acked" }
  # Every member takes writes at its own address. A proxy that was killed and starts again has an empty
  # table: its first sessions may come before its peer has told it.
  promise "the writers' endpoint has one member at a time" {
    judge   = "endpoint"
    informs = true
  }
  promise "a transaction is done whole or not at all" { judge = "bank" }
  promise "all members hold the same" { judge = "digest" }
  promise "the service is back in time" { judge = "outage" }
  # Galera promises it for the writer alone, and not while the writer moves
  promise "a read sees what was acknowledged before it" {
    judge   = "register"
    informs = true
  }

  promise "serializable transactions are as if done one after the other" {
    judge   = "append"
    informs = true
  }
  # another member may be behind by what it has received and not yet applied
  promise "a client reads its own writes where readers are served" {
    judge   = "session"
    informs = true
  }

  drill "writer-power-cut" {
    about  = "The machine of the member that is written to loses power"
    suites = ["quick", "full"]
    fault "power-cut" { on = "active" }
    expect {
      active = "moves"
      outage = "${20 * lab.speed}s"
    }
  }
  drill "reader-power-cut" {
    about  = "The machine of another member loses power: writes wait until the group has given it up"
    suites = ["quick", "full"]
    fault "power-cut" { on = "standby" }
    expect {
      active = "stays"
      outage = "${15 * lab.speed}s"
    }
  }
  drill "server-killed" {
    about  = "The server that is written to is killed"
    suites = ["quick", "full"]
    fault "server-killed" { on = "active" }
    expect {
      active = "moves"
      outage = "${15 * lab.speed}s"
    }
  }
  drill "server-frozen" {
    about = "The server that is written to stands still: the proxies leave it"
    fault "server-frozen" { on = "active" }
    expect {
      active = "moves"
      outage = "${20 * lab.speed}s"
    }
  }
  drill "writer-links-cut" {
    about = "The member that is written to loses the others, and refuses; the majority goes on"
    fault "links-cut" { on = "active" }
    expect {
      active = "moves"
      outage = "${20 * lab.speed}s"
    }
  }
  drill "writer-isolated" {
    about = "The member that is written to is out of the group, and still answers at its port: the proxies leave it"
    fault "member-isolated" { on = "active" }
    expect {
      active = "moves"
      outage = "${20 * lab.speed}s"
    }
  }
  # as long as the machines take to boot
  drill "all-power-blip" {
    about  = "All machines lose power at once, and have it again: the members find the last one that wrote"
    suites = ["extended"]
    fault "power-blip" { on = "all" }
    expect {
      outage = "${60 * lab.speed}s"
    }
  }
  # the machine may be the writer's, too
  drill "proxy-power-cut" {
    about = "The machine of the proxy that holds the virtual IP loses power"
    fault "power-cut" { on = "holder" }
    expect {
      outage = "${15 * lab.speed}s"
    }
  }
  # started again in its place it has an empty table, and the first session may come before its peer's
  drill "proxy-killed" {
    about = "The proxy that holds the virtual IP is killed, and starts again in its place"
    fault "proxy-killed" { on = "holder" }
    expect {
      outage = "${10 * lab.speed}s"
    }
  }

  mutant "log-flushed-late" {
    about  = "InnoDB's log is brought to the disk once a second, not at each commit"
    drill  = "all-power-blip"
    breaks = "no acknowledged row is lost"
    replace {
      in   = "templates/galera.cnf.tmpl"
      from = "innodb_flush_log_at_trx_commit = 1"
      to   = "innodb_flush_log_at_trx_commit = 2"
    }
  }
  mutant "proxies-ask-nothing" {
    about  = "The proxies send clients to each member whose port is open"
    drill  = "writer-isolated"
    breaks = "the service is back in time"
    replace {
      in   = "templates/haproxy-members.cfg.tmpl"
      from = "\toption httpchk\n\thttp-check send meth GET uri / ver HTTP/1.0\n\thttp-check expect status 200\n"
      to   = ""
    }
    replace {
      in   = "templates/haproxy-members.cfg.tmpl"
      from = "check port 9200"
      to   = "check"
    }
  }
  mutant "several-writers" {
    about  = "The proxies spread the writers' clients over all members"
    drill  = "reader-power-cut"
    breaks = "the writers' endpoint has one member at a time"
    replace {
      in   = "templates/haproxy-members.cfg.tmpl"
      from = "\tstick on dst_port\n"
      to   = ""
    }
    replace {
      in   = "templates/haproxy-members.cfg.tmpl"
      from = "{{ if $i }} backup{{ end }}"
      to   = ""
    }
  }
  mutant "split-brain-ignored" {
    about  = "A member that lost the majority goes on alone"
    drill  = "writer-links-cut"
    breaks = "no acknowledged row is lost"
    replace {
      in   = "templates/galera.cnf.tmpl"
      from = "gcache.recover=yes;"
      to   = "gcache.recover=yes;pc.ignore_quorum=true;pc.ignore_sb=true;"
    }
  }
}
