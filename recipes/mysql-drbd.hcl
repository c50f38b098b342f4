# Two hosts, one of them active: MariaDB, or MySQL, on a DRBD volume, moved by Pacemaker, behind a virtual IP.
# Values come from reference configurations of DRBD 8.4, Corosync 3 and Pacemaker 2.1 on Debian 12.
recipe "mysql-drbd" {
  about  = "MariaDB or MySQL on a replicated disk: one active node, one standby, a virtual IP that follows"
  needs  = ["fencing", "replication"]
  active = "mountpoint -q /srv/mysql"
  backup = true

  endpoint "database" {
    about    = "the active node's database server"
    address  = cidraddress(input.vip)
    port     = 3306
    protocol = "mysql"
    ca       = authority()
  }

  input "vip" {
    type  = vip
    about = "Virtual IP with its prefix length"
  }
  input "database" {
    type    = string
    default = "app"
    about   = "The application's database"
  }

  input "server" {
    type    = string
    default = "mariadb"
    about   = "mariadb, or mysql: Oracle's, which Debian has in sid alone (a lab's image = \"debian-sid\")"
    check "expected mariadb or mysql" { that = contains(["mariadb", "mysql"], value) }
    check "expected a lab's image with mysql-server, which no release of Debian has: image = \"debian-sid\"" { that = value == "mariadb" || !contains(["debian-12", "debian-13"], lab.image) }
    check "expected mariadb with a backup block: copies are made by mariadb-backup, which reads no server of MySQL" { that = value == "mariadb" || !backup.enabled }
  }
  input "programs" {
    type = any
    default = {
      mariadb = {
        other    = "mysql-server"
        unit     = "mariadb"
        client   = "mariadb"
        config   = "/etc/mysql/mariadb.conf.d/90-haprov.cnf"
        agent    = {}
        packages = "mariadb-"
        seed     = "mariadb-install-db --user=mysql --datadir=$1/data --skip-test-db --auth-root-authentication-method=socket >/dev/null"
      }
      mysql = {
        other    = "mariadb-server"
        unit     = "mysql"
        client   = "mysql"
        # not among Debian's own: installing or upgrading the package starts a server by those, which
        # without the volume would find no data, and fail
        config   = "/etc/mysql/haprov.cnf"
        agent    = { binary = "/usr/sbin/mysqld", client = "mysql", config = "/etc/mysql/haprov.cnf" }
        packages = "mysql-"
        seed     = file("mysql-seed")
      }
    }[input.server]
    about = "What server is called in Debian, and how its first data is made"
  }
  input "binlog_days" {
    type    = number
    default = 7
    about   = "Days that the binary log is kept, on the replicated volume"
    check "expected 1 to 99" { that = value >= 1 && value <= 99 }
  }
  input "require_tls" {
    type    = bool
    default = false
    about   = "Clients from the network must use TLS, others are refused; the local socket needs none. With false they may use it"
  }

  # How patient the cluster is. Emulated machines are slower in all they do.
  input "speed" {
    type    = string
    default = "normal"
    about   = "How soon a silent host is given up: fast, normal or patient; fast wants hosts that never stand still for a second, as virtual ones do while they are moved or copied"
    check "expected fast, normal or patient" { that = contains(["fast", "normal", "patient"], value) }
  }
  input "token" {
    type    = number
    default = min(30000, floor({ fast = 2, normal = 3, patient = 9 }[input.speed] * lookup({ uml = 5000, tcg = 15000 }, lab.driver, 3000) / 3))
    about   = "Milliseconds without a sign of life until Corosync takes a member for lost"
    check "expected 1000 to 30000" { that = value >= 1000 && value <= 30000 }
  }
  input "fencing_delay" {
    type    = number
    default = length(role.arbiter.hosts) > 0 ? 0 : lookup({ kvm = 5, uml = 6, tcg = 30 }, lab.driver, 15)
    about   = "Seconds that the active side is ahead when the two fence each other; more than the election of a coordinator and one fencing take, and paid at each loss of the active side; 0 with an arbiter, whose vote decides"
    check "expected 0 to 600" { that = value >= 0 && value <= 600 }
  }
  input "handler_timeout" {
    type    = number
    default = lab.enabled ? lookup({ tcg = 240 }, lab.driver, 90) : 180
    about   = "Seconds for DRBD's fence handler to see the peer fenced; less than detection, delay and the fence device take leaves the survivor frozen"
    # Corosync declares a member dead after its token and consensus time-outs
    check "expected more than detection (1.2 times token), fencing_delay and the fence device's 90 s (30 s in a lab) take together" {
      that = value > input.token * 1.2 / 1000 + input.fencing_delay + (lab.enabled ? 30 : 90)
    }
  }
  input "coordinator_timeout" {
    type    = number
    default = lab.enabled ? lookup({ tcg = 300 }, lab.driver, 120) : 240
    about   = "Seconds for DRBD's fence handler to find a coordinator; more than handler_timeout"
    check "expected more than handler_timeout" { that = value > input.handler_timeout }
  }
  # Our agent kills a server that has not ended 8 s before, and one that answers nothing at once.
  input "stop_timeout" {
    type    = number
    default = lookup({ uml = 60 }, lab.driver, 120)
    about   = "Seconds for the database server to stop in order"
    check "expected 20 to 3600" { that = value >= 20 && value <= 3600 }
  }
  # Nobody else needs a lab's wires. Elsewhere a third of a Gbit link: what a synchronisation leaves is
  # for the application's writes, and for the ring where it shares the network.
  input "resync_rate" {
    type    = string
    default = lab.enabled ? "100M" : "33M"
    about   = "Bytes a second at which a side that was away is brought up to date; about a third of what disks and replication network can do"
    check "expected a rate such as 33M" { that = length(split("M", value)) == 2 }
  }
  input "verify" {
    type    = string
    default = "Sun 03:00"
    about   = "When both sides of the volume are compared, as systemd's OnCalendar; it reads both disks whole, at resync_rate"
  }
  input "ping_timeout" {
    type    = number
    default = input.speed == "fast" ? 10 : lookup({ tcg = 100 }, lab.driver, 20)
    about   = "Tenths of a second that DRBD waits for its peer's answer to a question whether it is there"
  }
  input "peer_timeout" {
    type    = number
    default = { fast = 30, normal = 60, patient = 60 }[input.speed]
    about   = "Tenths of a second that DRBD waits for its peer to confirm a write, and writers with it; less than ten seconds, at which it asks an idle peer"
    # drbd.conf(5), timeout: lower than ping-int
    check "expected 10 to 99" { that = value >= 10 && value <= 99 }
  }

  role "db" {
    min = 2
    max = 2
  }
  role "arbiter" {
    about = "a small host outside both, which has the third vote: two sides that lose each other need no delay to tell which one goes on"
    min   = 0
    max   = 1
    apart = true
  }

  on "db" {
    # Pacemaker would find its process, take it for the cluster's, and stop it
    requirement "no database server beside the cluster's" {
      probe  = "! systemctl is-active -q ${input.programs.unit}.service || { echo '${input.programs.unit}.service runs outside of the cluster'; exit 1; }"
      repair = "save what it holds and what is in use of it, then: systemctl disable --now ${input.programs.unit}.service"
    }
    # neither reads the other's data, and installing one takes the other away
    requirement "no server of the other make" {
      probe  = "! dpkg-query -W -f='$${db:Status-Abbrev}' ${input.programs.other} 2>/dev/null | grep -q ^ii || { echo '${input.programs.other} is installed here, and the input server is ${input.server}'; exit 1; }"
      repair = "the server of a cluster is not exchanged: set the input server as it was; for a new cluster take fresh machines"
    }
    requirement "the virtual IP is nobody else's" {
      probe  = template("vip-free.tmpl", { vip = split("/", input.vip)[0], members = [for h in role.db.hosts : h.network.service.address] })
      repair = "take another one for the input vip, or find that machine"
    }

    requirement "no cluster that something else set up" {
      probe  = template("other-pacemaker.tmpl", { resources = ["drbd-mysql", "mysql-fs", "mysql-server", "mysql-vip"] })
      repair = "haprov import writes the inventory of that cluster and says what up would make beside it; for a new one take machines without a cluster"
    }

    package "drbd-utils" {}
    package "corosync" {}
    package "pacemaker" {}
    # pacemaker only recommends it, and DRBD's handlers do not work without
    package "pacemaker-cli-utils" {}
    package "resource-agents" {}
    package "fence-agents" {}
    # the fence agents for service processors need it and only recommend it
    package "ipmitool" {
      when = length([for f in flatten([for h in role.db.hosts : h.fence]) : f.agent if contains(["fence_ipmilan", "fence_ipmilanplus", "fence_idrac", "fence_ilo3", "fence_ilo4", "fence_ilo5", "fence_imm"], f.agent)]) > 0
    }
    # not among Debian's fence-agents
    package "fence-virt" {
      when = length([for f in flatten([for h in role.db.hosts : h.fence]) : f.agent if contains(["fence_virt", "fence_xvm"], f.agent)]) > 0
    }
    package "mariadb-server" { when = input.server == "mariadb" }
    # AppArmor's profile of the package knows Debian's folder of the data only, and reads this when it is installed
    directory "/etc/apparmor.d" { when = input.server == "mysql" }
    directory "/etc/apparmor.d/local" { when = input.server == "mysql" }
    file "/etc/apparmor.d/local/usr.sbin.mysqld" {
      content = "# Kept by haprov.\n/srv/mysql/ r,\n/srv/mysql/** rwk,\n/etc/mysql/haprov-*.pem r,\n"
      when    = input.server == "mysql"
    }
    package "mysql-server" { when = input.server == "mysql" }

    file "/etc/apt/apt.conf.d/52haprov" {
      content = template("unattended.conf.tmpl", { packages = ["corosync", "pacemaker", "drbd-", "resource-agents", "fence-agents", input.programs.packages] })
    }
    directory "/etc/needrestart/conf.d" {}
    file "/etc/needrestart/conf.d/haprov.conf" {
      content = template("needrestart.conf.tmpl", { services = ["corosync", "pacemaker", input.programs.unit] })
    }

    # Pacemaker starts and stops the database and the volume, nobody else
    service "mariadb" {
      enabled = false
      when    = input.server == "mariadb"
    }
    service "mysql" {
      enabled = false
      when    = input.server == "mysql"
    }
    service "drbd" {
      enabled = false
    }
    kernel_module "drbd" {}

    file "/usr/sbin/fence_haprov" {
      content = template("fence_haprov", {})
      mode    = "0755"
      when    = contains([for f in flatten([for h in role.db.hosts : h.fence]) : f.agent], "fence_haprov")
    }
    directory "/etc/haprov" {
      mode = "0755"
    }
    # the agent of resource-agents sleeps two seconds in each start, and waits for a frozen server's end
    directory "/usr/lib/ocf/resource.d/haprov" {}
    file "/usr/lib/ocf/resource.d/haprov/mariadb" {
      content = file("ocf-mariadb")
      mode    = "0755"
    }
    # a hypervisor's haprov is asked over SSH, with a key that allows nothing else
    secret "/etc/haprov/fence.key" {
      value = ssh_key("fence").private
      when  = length([for f in flatten([for h in role.db.hosts : h.fence]) : f if f.agent == "fence_haprov" && contains(keys(f.options), "ip")]) > 0
    }
    # a device's password is asked for by its agent, and stands nowhere else
    file "fence password" {
      for_each = { for f in flatten([for h in role.db.hosts : h.fence]) : "/etc/haprov/${f.id}.password" => f if f.secret }
      mode     = "0700"
      content  = template("fence.password.tmpl", { password = host[each.value.host].fence_passwords[each.value.id] })
    }
    # for clients, who come by the virtual IP, or by haprov forward on loopback
    file "/etc/mysql/haprov-ca.pem" {
      content = authority()
      mode    = "0644"
      owes    = ["mysql-server:reload"]
    }
    file "/etc/mysql/haprov-cert.pem" {
      content = certificate(each.host.name, split("/", input.vip)[0], each.host.network.service.address, "localhost", "127.0.0.1").cert
      mode    = "0644"
      owes    = ["mysql-server:reload"]
    }
    secret "/etc/mysql/haprov-key.pem" {
      value = certificate(each.host.name, split("/", input.vip)[0], each.host.network.service.address, "localhost", "127.0.0.1").key
      owner = "mysql"
      group = "mysql"
      owes  = ["mysql-server:reload"]
    }
    file "server's configuration" {
      for_each = [input.programs.config]
      owes     = ["mysql-server:restart"]
      content  = template("mysql-drbd.cnf.tmpl", { id = [for i, n in sort([for h in role.db.hosts : h.name]) : i + 1 if n == each.host.name][0], mysql = input.server == "mysql", binlog_days = input.binlog_days, binlog_seconds = input.binlog_days * 86400, require_tls = input.require_tls })
    }
    # drbdadm kills a drbdsetup that takes longer than 5 s (CMD_TIMEOUT_SHORT_DEF of drbd-utils), also
    # the one that connects: on a busy machine the volume is attached and never connected, and
    # Pacemaker's agent does not look at that
    line "drbdsetup has time on a busy machine" {
      path  = "/etc/drbd.d/global_common.conf"
      line  = "global { cmd-timeout-short 60;"
      match = "^global[[:space:]]*[{]"
    }
    directory "/usr/local/lib/haprov" {}
    file "/usr/local/lib/haprov/cibadmin" {
      content = file("drbd-cibadmin")
      mode    = "0755"
    }
    file "/etc/drbd.d/mysql.res" {
      mode = "0600"
      # a file that drbdadm does not take would fail the volume on both hosts; told without the token, which may be the secret
      validate = "said=$(DRBD_DRIVER_VERSION_OVERRIDE=8.4.11 /lib/drbd/drbdadm-84 -c %s dump 2>&1 >/dev/null) || { echo \"$said\" | sed \"s/but got '.*/but got something else/\"; exit 1; }"
      content = template("mysql-drbd.res.tmpl", {
        nodes  = [for h in role.db.hosts : { name = h.name, address = h.network.replication.address, disk = h.disk.data.device }]
        secret = secret("drbd")
        input  = input
        least  = lab.enabled ? "40M" : "10M"
      })
    }
    # what haprov recover tells of each side of a split brain
    file "/usr/local/lib/haprov/mysql-written" {
      content = file("mysql-written")
      mode    = "0755"
    }
    directory "/srv/mysql" {}
    # without it the server that Pacemaker starts tells its troubles to nobody
    directory "/var/log/mysql" {
      owner = "mysql"
      group = "adm"
      mode  = "2750"
    }
    drbd_volume "mysql" {
      backing = each.host.disk.data.device
      seed    = input.programs.seed
      # MySQL's own tool reads its binary log otherwise
      written = input.server == "mariadb" ? "/usr/local/lib/haprov/mysql-written \"$1\"" : ""
      verify  = "haprov-drbd-verify-mysql.service"
    }
    # Both hosts have the timer, and the side that is not Primary leaves it to the other one.
    file "/usr/local/lib/haprov/drbd-verify" {
      content = file("drbd-verify")
      mode    = "0755"
    }
    timer "haprov-drbd-verify-mysql" {
      command     = "exec /usr/local/lib/haprov/drbd-verify mysql"
      on_calendar = input.verify
    }

    package "corosync-qdevice" { when = length(role.arbiter.hosts) > 0 }
  }

  on "arbiter" {
    package "corosync-qnetd" {}
    package "nftables" { when = lab.can.filter_packets }
    file "/etc/apt/apt.conf.d/52haprov" {
      content = template("unattended.conf.tmpl", { packages = ["corosync-qnetd"] })
    }
    # members alone may ask, those of all clusters that this host has a vote in
    directory "/etc/haprov" { mode = "0755" }
    directory "/etc/haprov/firewall" {}
    file "/etc/systemd/system/haprov-firewall@.service" {
      content = file("firewall@.service")
    }
    file "firewall" {
      for_each = ["/etc/haprov/firewall/arbiter-${cluster.name}.nft"]
      content  = template("arbiter-firewall.nft.tmpl", { members = [for h in role.db.hosts : { address = h.network.service.address }] })
      validate = "nft -c -f %s"
      owes     = ["haprov-firewall@arbiter-${cluster.name}.service:reload"]
      when     = lab.can.filter_packets
    }
    service "firewall" {
      for_each = ["haprov-firewall@arbiter-${cluster.name}"]
      when     = lab.can.filter_packets
    }
    service "corosync-qnetd" {}
  }

  on "all" {
    quorum_device "arbiter" {
      cluster = cluster.name
      arbiter = join(",", [for h in role.arbiter.hosts : h.name])
      when    = length(role.arbiter.hosts) > 0
    }
  }

  on "db" {
    secret "/etc/corosync/authkey" {
      value = secret("corosync", 256)
    }
    file "/etc/corosync/corosync.conf" {
      owes = ["corosync:reload"]
      content = template("corosync.conf.tmpl", {
        cluster   = cluster.name
        token     = input.token
        consensus = max(200, floor(input.token / 5))
        arbiter   = join(",", [for h in role.arbiter.hosts : h.network.service.address])
        # numbered by name, so that a host more in the inventory renumbers nobody: a running ring takes no other nodeid
        nodes = [for i, n in sort([for h in role.db.hosts : h.name]) : { name = n, id = i + 1, links = distinct(concat(host[n].network.ring.addresses, [host[n].network.replication.address])) }]
      })
    }
    # A machine that boots faster than its peer notices that it was gone would hear of its own
    # fencing and leave again: it joins only when token and consensus time-outs are over.
    directory "/etc/systemd/system/corosync.service.d" {}
    file "/etc/systemd/system/corosync.service.d/haprov.conf" {
      content = template("corosync.service.tmpl", { token = input.token, consensus = max(200, floor(input.token / 5)) })
    }
    service "corosync" {}
    corosync "ring" {}
    # once the ring knows of it
    service "corosync-qdevice" {
      drop_in = file("corosync-qdevice.service")
      when    = length(role.arbiter.hosts) > 0
    }
    directory "/etc/systemd/system/pacemaker.service.d" {}
    file "/etc/systemd/system/pacemaker.service.d/haprov.conf" { content = file("pacemaker.service") }
    service "pacemaker" {}
    pacemaker "cib" {
      properties = {
        stonith-enabled  = "true"
        stonith-action   = "reboot"
        no-quorum-policy = "stop"
        # the default bans the only survivor after one slow start
        start-failure-is-fatal = "false"
        priority-fencing-delay = "${input.fencing_delay}s"
      }
      servers  = ["mysql-server"]
      defaults = { priority = "1", resource-stickiness = "100", migration-threshold = "3", failure-timeout = "10min" }

      primitive "drbd-mysql" {
        agent  = "ocf:linbit:drbd"
        params = { drbd_resource = "mysql", unfence_if_all_uptodate = "true" }
        op "start" { timeout = "240s" }
        # it waits for DRBD's fence handler, which waits for a coordinator at the longest
        op "promote" { timeout = "${input.coordinator_timeout + 30}s" }
        op "demote" { timeout = "90s" }
        op "stop" { timeout = "100s" }
        op "notify" { timeout = "90s" }
        # two intervals: Pacemaker tells the two by them
        op "monitor" {
          role     = "Promoted"
          interval = "29s"
          timeout  = "20s"
        }
        op "monitor" {
          role     = "Unpromoted"
          interval = "31s"
          timeout  = "20s"
        }
      }
      clone "drbd-mysql-clone" {
        of   = "drbd-mysql"
        meta = { promotable = "true", promoted-max = "1", promoted-node-max = "1", clone-max = "2", clone-node-max = "1", notify = "true", interleave = "true" }
      }

      primitive "mysql-fs" {
        agent  = "ocf:heartbeat:Filesystem"
        params = { device = "/dev/drbd0", directory = "/srv/mysql", fstype = "ext4", options = "noatime" }
        op "start" { timeout = "60s" }
        op "stop" { timeout = "60s" }
        op "monitor" {
          interval = "20s"
          timeout  = "40s"
        }
      }
      primitive "mysql-server" {
        agent = "ocf:haprov:mariadb"
        params = merge(input.programs.agent, {
          datadir        = "/srv/mysql/data"
          answer_timeout = "${max(8, 4 * lab.speed)}"
        })
        op "start" { timeout = "300s" }
        op "stop" { timeout = "${input.stop_timeout}s" }
        # it asks the server, not only for its process
        op "monitor" {
          interval = "10s"
          timeout  = "${max(30, 8 * lab.speed)}s"
          params   = { OCF_CHECK_LEVEL = "10" }
        }
      }
      primitive "mysql-vip" {
        agent  = "ocf:heartbeat:IPaddr2"
        params = { ip = split("/", input.vip)[0], cidr_netmask = split("/", input.vip)[1] }
        op "monitor" {
          interval = "10s"
          timeout  = "20s"
        }
      }
      group "mysql" { of = ["mysql-fs", "mysql-server", "mysql-vip"] }

      colocation "mysql-with-drbd" {
        of   = "mysql"
        with = "drbd-mysql-clone"
        role = "Promoted"
      }
      order "drbd-before-mysql" {
        first  = "drbd-mysql-clone"
        action = "promote"
        then   = "mysql"
      }
      # a service processor takes its time to cut the power and to see it gone
      fence {
        reboot_timeout = lab.enabled ? "30s" : "90s"
        third_vote     = length(role.arbiter.hosts) > 0
      }
    }
    # renewed certificates need no restart; a restart that is owed reads them, too
    mysql_tls "mysql-server" { server = input.server }
    mysql_database "app" {
      database = input.database
      server   = input.server
    }
    mysql_user "app" {
      password = secret("app")
      former   = former("app")
      database = input.database
      server   = input.server
    }
    # what haprov drill uses: a database and an account of its own
    mysql_database "drill" { server = input.server }
    mysql_user "drill" {
      password = secret("drill")
      former   = former("drill")
      database = "drill"
      server   = input.server
    }
    # Both hosts have the timer, and the script ends at once where the server is not.
    package "restic" { when = backup.enabled }
    package "mariadb-backup" { when = backup.enabled }
    secret "/etc/haprov/backup.password" {
      value = secret("backup")
      when  = backup.enabled
    }
    file "/etc/haprov/backup.conf" {
      content = template("backup.conf.tmpl", { cluster = cluster.name, backup = backup, mount = "/srv/mysql", datadir = "/srv/mysql/data" })
      when    = backup.enabled
    }
    file "/usr/local/lib/haprov/backup" {
      content = file("mysql-backup")
      mode    = "0755"
      when    = backup.enabled
    }
    file "/etc/systemd/system/haprov-backup@.service" {
      content = file("backup@.service")
      when    = backup.enabled
    }
    file "/etc/systemd/system/haprov-restored.service" {
      content = file("haprov-restored.service")
      when    = backup.enabled
    }
    file "/etc/systemd/system/haprov-backup.timer" {
      content = template("backup.timer.tmpl", { what = "now", schedule = backup.schedule })
      owes    = ["haprov-backup.timer:restart"]
      when    = backup.enabled
    }
    service "haprov-backup.timer" { when = backup.enabled }
    file "/etc/systemd/system/haprov-backup-logs.timer" {
      content = template("backup.timer.tmpl", { what = "logs", schedule = backup.logs })
      owes    = ["haprov-backup-logs.timer:restart"]
      when    = backup.enabled
    }
    service "haprov-backup-logs.timer" { when = backup.enabled }
    file "/etc/systemd/system/haprov-backup-prove.timer" {
      content = template("backup.timer.tmpl", { what = "prove", schedule = backup.prove })
      owes    = ["haprov-backup-prove.timer:restart"]
      when    = backup.enabled
    }
    service "haprov-backup-prove.timer" { when = backup.enabled }
    backup "haprov-backup" {
      from   = "mountpoint -q /srv/mysql"
      list   = "/usr/local/lib/haprov/backup list"
      folder = backup.restore_in
      use    = "as root there, mariadb -S FOLDER/mysqld.sock asks it, and mariadb-dump -S FOLDER/mysqld.sock DATABASE TABLE | mariadb DATABASE puts a table into the running server"
      when   = backup.enabled
    }

    # for the check below: no password is ever an argument
    file "/etc/haprov/app.cnf" {
      mode    = "0600"
      content = template("mysql-client.cnf.tmpl", { host = split("/", input.vip)[0], user = "app", password = secret("app"), database = input.database, ca = "/etc/mysql/haprov-ca.pem", mysql = input.server == "mysql" })
    }
    fencing "standby" {
      rests_on = concat(["/etc/corosync/corosync.conf", "/etc/drbd.d/mysql.res"],
        contains([for f in flatten([for h in role.db.hosts : h.fence]) : f.agent], "fence_haprov") ? ["/usr/sbin/fence_haprov"] : [],
        [for f in flatten([for h in role.db.hosts : h.fence]) : "/etc/haprov/${f.id}.password" if f.secret])
    }
  }

  check "every member is connected to the arbiter" {
    role     = "arbiter"
    on       = "each"
    run      = "[ $(corosync-qnetd-tool -l -c ${cluster.name} | grep -c 'Node ID [0-9]*:') = 2 ]"
    deadline = "1m"
  }
  check "the database answers on the virtual IP" {
    on       = "active"
    run      = "timeout 10 ${input.programs.client} -N -e 'select 1' >/dev/null && ip -o addr show | grep -qF ' ${input.vip} '"
    deadline = "1m"
  }
  # Its table stays: a power cut within seconds of a DROP TABLE leaves the file behind; the next
  # CREATE fails on it, and after one more power cut InnoDB refuses to start.
  check "a row written through the virtual IP is read back, from each host" {
    on       = "each"
    writes   = true
    run      = <<-EOT
      ask() { timeout 20 ${input.programs.client} --defaults-file=/etc/haprov/app.cnf --connect-timeout=5 -N -e "$1"; }
      said=$(uname -n)-$(date +%s.%N)
      ask "CREATE TABLE IF NOT EXISTS haprov_check (host VARCHAR(64) PRIMARY KEY, said VARCHAR(99)); REPLACE INTO haprov_check VALUES ('${each.host.name}', '$said')" &&
      [ "$(ask "SELECT said FROM haprov_check WHERE host = '${each.host.name}'")" = "$said" ]
    EOT
    deadline = "1m"
  }

  load "mysql" {
    user     = "drill"
    database = "drill"
    scan     = "timeout 60 ${input.programs.client} -N -e 'SELECT id FROM drill.added'"
    members  = "db"
  }
  promise "no acknowledged row is lost" { judge = "acked" }
  promise "one side writes at a time" { judge = "writers" }
  promise "a read sees what was acknowledged before it" { judge = "register" }
  promise "a transaction is done whole or not at all" { judge = "bank" }
  promise "serializable transactions are as if done one after the other" { judge = "append" }
  promise "the service is back in time" { judge = "outage" }

  # as the journal of the side that goes on has them
  station "detect" { line = "corosync\\[.*: .* A new membership .* Members left" }
  station "fence" { line = "pacemaker-fenced\\[.*: .*Operation '(reboot|off)' targeting .*OK" }
  station "promote" { line = "pacemaker-controld\\[.*: .*Result of promote operation for .*: (ok|OK)" }
  station "recover" { line = "pacemaker-controld\\[.*: .*Result of start operation for mysql-server on .*: (ok|OK)" }
  station "move" { line = "pacemaker-controld\\[.*: .*Result of start operation for .*vip.* on .*: (ok|OK)" }

  drill "active-power-cut" {
    about  = "The active machine loses power"
    suites = ["quick", "full"]
    fault "power-cut" { on = "active" }
    expect {
      active = "moves"
      fenced = ["active"]
      outage = "${input.fencing_delay + 60}s"
    }
  }
  drill "standby-power-cut" {
    about  = "The standby machine loses power"
    suites = ["quick", "full"]
    fault "power-cut" { on = "standby" }
    expect {
      active = "stays"
      fenced = ["standby"]
      outage = "30s"
    }
  }
  drill "links-cut" {
    about  = "The two machines lose each other; the active one, which is ahead, fences the other"
    suites = ["quick", "full"]
    fault "links-cut" { on = "active" }
    expect {
      active = "stays"
      fenced = ["standby"]
      outage = "45s"
    }
  }
  drill "server-killed" {
    about  = "The database server is killed, and started again in its place"
    suites = ["quick", "full"]
    fault "server-killed" { on = "active" }
    expect {
      active = "stays"
      outage = "${30 * lab.speed}s"
    }
  }
  drill "server-frozen" {
    about = "The database server stands still; its monitor notices, and it is killed and started again"
    fault "server-frozen" { on = "active" }
    expect {
      active = "stays"
      outage = "${60 * lab.speed}s"
    }
  }
  drill "replication-cut" {
    about = "The replication network is cut: writes wait until DRBD gives the standby up, and nothing moves"
    fault "replication-cut" {
      on   = "active"
      hold = "40s"
    }
    expect {
      active = "stays"
      outage = "30s"
    }
  }
  drill "active-pause" {
    about = "The active machine stands still for a minute, and is fenced before it can write again"
    fault "pause" { on = "active" }
    expect {
      active = "moves"
      fenced = ["active"]
      outage = "${input.fencing_delay + 60}s"
    }
  }
  drill "active-reboot" {
    about = "The active machine is restarted in order"
    fault "reboot" { on = "active" }
    expect {
      active = "moves"
      outage = "${30 * lab.speed}s"
    }
  }
  drill "replication-and-power-cut" {
    about = "The replication network goes, and three seconds later the active machine: what it acknowledged is on the standby"
    fault "replication-cut" { on = "active" }
    fault "power-cut" {
      on    = "active"
      after = "3s"
    }
    expect {
      active = "moves"
      fenced = ["active"]
      outage = "${input.fencing_delay + 60}s"
    }
  }
  drill "corosync-killed" {
    about = "Corosync is killed on the active machine, which is fenced"
    fault "corosync-killed" { on = "active" }
    expect {
      active = "moves"
      fenced = ["active"]
      outage = "${input.fencing_delay + 60}s"
    }
  }
  drill "links-lossy" {
    about = "The links between the machines lose a twentieth of all frames for half a minute: nothing moves"
    fault "links-lossy" {
      on   = "active"
      hold = "30s"
    }
    # what was lost is sent again later and later: the stall outlives the fault
    expect {
      active = "stays"
      outage = "30s"
    }
  }

  # what is longer, or broken more seldom: --suite extended
  drill "links-corrupting" {
    about  = "Frames between the machines arrive damaged: what arrives is checked, and nothing moves"
    suites = ["extended"]
    fault "links-corrupting" {
      on   = "active"
      hold = "20s"
    }
    expect {
      active = "stays"
      outage = "15s"
    }
  }
  drill "memory-hog" {
    about  = "The active machine's memory is taken: nothing moves"
    suites = ["extended"]
    fault "memory-hog" {
      on   = "active"
      hold = "20s"
    }
    expect {
      active = "stays"
      outage = "30s"
    }
  }
  drill "pacemaker-stopped" {
    about  = "Pacemaker is stopped in order on the active machine, as for an upgrade"
    suites = ["extended"]
    fault "pacemaker-stopped" { on = "active" }
    expect {
      active = "moves"
      outage = "${30 * lab.speed}s"
    }
  }
  drill "attrd-killed" {
    about  = "Pacemaker's daemon attrd, which keeps the promotion scores, is killed on the active machine, which restarts"
    suites = ["extended"]
    fault "attrd-killed" { on = "active" }
    expect {
      active = "moves"
      fenced = ["active"]
      outage = "${input.fencing_delay + 60}s"
    }
  }
  drill "based-killed" {
    about  = "Pacemaker's daemon based, which keeps the configuration, is killed on the active machine, which restarts"
    suites = ["extended"]
    fault "based-killed" { on = "active" }
    expect {
      active = "moves"
      fenced = ["active"]
      outage = "${input.fencing_delay + 60}s"
    }
  }
  drill "controld-killed" {
    about  = "Pacemaker's daemon controld, which decides and carries out, is killed on the active machine, which restarts"
    suites = ["extended"]
    fault "controld-killed" { on = "active" }
    expect {
      active = "moves"
      fenced = ["active"]
      outage = "${input.fencing_delay + 60}s"
    }
  }
  drill "execd-killed" {
    about  = "Pacemaker's daemon execd, which runs the agents, is killed on the active machine, which restarts"
    suites = ["extended"]
    fault "execd-killed" { on = "active" }
    expect {
      active = "moves"
      fenced = ["active"]
      outage = "${input.fencing_delay + 60}s"
    }
  }
  drill "fenced-killed" {
    about  = "Pacemaker's daemon fenced, which fences, is killed on the active machine, which restarts"
    suites = ["extended"]
    fault "fenced-killed" { on = "active" }
    expect {
      active = "moves"
      fenced = ["active"]
      outage = "${input.fencing_delay + 60}s"
    }
  }
  # healthy again when the failures are forgotten (failure-timeout)
  drill "server-killed-often" {
    about  = "The database server is killed again and again: it moves"
    suites = ["extended"]
    fault "server-killed-often" { on = "active" }
    expect {
      active = "moves"
      outage = "${30 * lab.speed}s"
    }
  }

  mutant "log-flushed-late" {
    about  = "InnoDB's log is brought to the disk once a second, not at each commit"
    drill  = "active-power-cut"
    breaks = "no acknowledged row is lost"
    replace {
      in   = "templates/mysql-drbd.cnf.tmpl"
      from = "innodb_flush_log_at_trx_commit = 1"
      to   = "innodb_flush_log_at_trx_commit = 2"
    }
  }
  mutant "replication-unconfirmed" {
    about  = "DRBD acknowledges what is only on its way to the standby (protocol A)"
    drill  = "replication-and-power-cut"
    breaks = "no acknowledged row is lost"
    replace {
      in   = "templates/mysql-drbd.res.tmpl"
      from = "protocol C;"
      to   = "protocol A;"
    }
    # DRBD refuses the two together
    replace {
      in   = "templates/mysql-drbd.res.tmpl"
      from = "fencing resource-and-stonith;"
      to   = "fencing resource-only;"
    }
  }
  mutant "server-hardly-watched" {
    about  = "The monitor looks for the server's process and asks it nothing"
    drill  = "server-frozen"
    breaks = "the service is back in time"
    replace {
      in   = "recipes/mysql-drbd.hcl"
      from = "OCF_CHECK_LEVEL = \"10\""
      to   = "OCF_CHECK_LEVEL = \"0\""
    }
  }
}
