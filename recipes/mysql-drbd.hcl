# Two hosts, one of them active: MariaDB on a DRBD volume, moved by Pacemaker, behind a virtual IP.
# Values come from reference configurations of DRBD 8.4, Corosync 3 and Pacemaker 2.1 on Debian 12.
recipe "mysql-drbd" {
  about    = "MySQL on a replicated disk: one active node, one standby, a virtual IP that follows"
  needs    = ["fencing", "replication"]
  active   = "mountpoint -q /srv/mysql"
  endpoint = "${split("/", input.vip)[0]}:3306"

  input "vip" {
    type  = vip
    about = "Virtual IP with its prefix length"
  }
  input "database" {
    type    = string
    default = "app"
    about   = "The application's database"
  }

  role "db" {
    min = 2
    max = 2
  }

  on "db" {
    package "drbd-utils" {}
    package "corosync" {}
    package "pacemaker" {}
    # pacemaker only recommends it, and DRBD's handlers do not work without
    package "pacemaker-cli-utils" {}
    package "resource-agents" {}
    package "fence-agents" {}
    # the fence agents for service processors need it and only recommend it
    package "ipmitool" {
      when = length([for h in role.db.hosts : h if length([for f in h.fence : f if contains(["fence_ipmilan", "fence_ipmilanplus", "fence_idrac", "fence_ilo3", "fence_ilo4", "fence_ilo5", "fence_imm"], f.agent)]) > 0]) > 0
    }
    package "mariadb-server" {}

    # Pacemaker starts and stops the database and the volume, nobody else
    service "mariadb" {
      enabled = false
    }
    service "drbd" {
      enabled = false
    }
    kernel_module "drbd" {}

    file "/usr/sbin/fence_haprov" {
      content = template("fence_haprov", {})
      mode    = "0755"
      when    = lab.enabled
    }
    directory "/etc/haprov" {
      mode = "0755"
    }
    # a device's password is asked for by its agent, and stands nowhere else
    file "fence password" {
      for_each = { for f in flatten([for h in role.db.hosts : h.fence]) : "/etc/haprov/${f.id}.password" => f.password if f.secret }
      mode     = "0700"
      content  = template("fence.password.tmpl", { password = each.value })
    }
    file "/etc/mysql/mariadb.conf.d/90-haprov.cnf" {
      content = template("mysql-drbd.cnf.tmpl", { id = each.host.id })
    }
    file "/etc/drbd.d/mysql.res" {
      mode = "0600"
      content = template("mysql-drbd.res.tmpl", {
        nodes  = [for h in role.db.hosts : { name = h.name, address = h.network.replication.address, disk = h.disk.data.device }]
        secret = secret("drbd")
      })
    }
    directory "/srv/mysql" {}
    drbd_volume "mysql" {
      backing = each.host.disk.data.device
      seed    = "mariadb-install-db --user=mysql --datadir=$1/data --skip-test-db --auth-root-authentication-method=socket >/dev/null"
    }

    secret "/etc/corosync/authkey" {
      value = secret("corosync", 256)
    }
    file "/etc/corosync/corosync.conf" {
      owes = ["corosync:reload"]
      content = template("corosync.conf.tmpl", {
        cluster = cluster.name
        token   = lab.driver == "tcg" ? 15000 : 5000
        nodes   = [for h in role.db.hosts : { name = h.name, id = h.id, links = distinct([h.network.ring.address, h.network.replication.address]) }]
      })
    }
    # A machine that boots faster than its peer notices that it was gone would hear of its own
    # fencing and leave again: it joins only when token and consensus time-outs are over.
    directory "/etc/systemd/system/corosync.service.d" {}
    file "/etc/systemd/system/corosync.service.d/haprov.conf" {
      content = template("corosync.service.tmpl", { seconds = lab.driver == "tcg" ? 37 : 15 })
    }
    service "corosync" {}
    corosync "ring" {}
    service "pacemaker" {}
    pacemaker "cib" {
      config = template("mysql-drbd.cib.tmpl", {
        nodes  = [for h in role.db.hosts : { name = h.name, fence = [for f in h.fence : { id = f.id, agent = f.agent, options = f.options, secret = f.secret }] }]
        vip    = split("/", input.vip)[0]
        prefix = split("/", input.vip)[1]
        # a service processor takes its time to cut the power and to see it gone
        reboot = lab.enabled ? "30s" : "90s"
      })
    }
    mysql_database "app" {
      database = input.database
    }
    mysql_user "app" {
      password = secret("app")
      database = input.database
    }
    fencing "standby" {
      rests_on = concat(["/etc/corosync/corosync.conf", "/etc/drbd.d/mysql.res"],
        lab.enabled ? ["/usr/sbin/fence_haprov"] : [],
        [for f in flatten([for h in role.db.hosts : h.fence]) : "/etc/haprov/${f.id}.password" if f.secret])
    }
  }

  check "the database answers on the virtual IP" {
    on       = "active"
    run      = "mariadb -N -e 'select 1' >/dev/null && ip -o addr show | grep -qF ' ${input.vip} '"
    deadline = "1m"
  }
}
