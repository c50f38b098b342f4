# PostgreSQL where the shipped stack has MariaDB: the same volume and the same cluster manager, and
# nothing in the program that knows the server.
recipe "postgres-drbd" {
  about  = "PostgreSQL on a replicated disk, moved by Pacemaker, behind a virtual IP"
  needs  = ["fencing", "replication"]
  active = "mountpoint -q /srv/pg"

  endpoint "database" {
    about    = "the active node's database server"
    address  = cidraddress(input.vip)
    port     = 5432
    protocol = "postgres"
  }

  input "vip" {
    type  = vip
    about = "Virtual IP with its prefix length"
  }
  role "pg" {
    min = 2
    max = 2
  }

  on "pg" {
    # before the package, whose installation would make a cluster of its own
    directory "/etc/postgresql-common" {}
    file "/etc/postgresql-common/createcluster.conf" { content = "create_main_cluster = false\n" }
    package "stack" {
      names = ["drbd-utils", "corosync", "pacemaker", "pacemaker-cli-utils", "resource-agents", "fence-agents", "postgresql-15"]
    }
    # Pacemaker starts and stops the database and the volume, nobody else
    service "postgresql" { enabled = false }
    service "drbd" { enabled = false }
    kernel_module "drbd" {}
    file "/usr/sbin/fence_haprov" {
      content = template("fence_haprov", {})
      mode    = "0755"
      when    = lab.enabled
    }
    directory "/etc/haprov" { mode = "0755" }

    directory "/etc/postgresql-ha" {}
    file "/etc/postgresql-ha/postgresql.conf" {
      content = template("postgresql.conf.tmpl", { data = "/srv/pg/data" })
      owes    = ["pg-server:restart"]
    }
    file "/etc/postgresql-ha/pg_hba.conf" {
      content = "local all all peer\nhost all all samenet scram-sha-256\n"
      owes    = ["pg-server:restart"]
    }
    line "drbdsetup has time on a busy machine" {
      path  = "/etc/drbd.d/global_common.conf"
      line  = "global { cmd-timeout-short 60;"
      match = "^global[[:space:]]*[{]"
    }
    file "/etc/drbd.d/pgdata.res" {
      mode = "0600"
      content = template("pg.res.tmpl", {
        nodes  = [for h in role.pg.hosts : { name = h.name, address = h.network.replication.address, disk = h.disk.data.device }]
        secret = secret("drbd")
      })
    }
    directory "/srv/pg" {}
    drbd_volume "pgdata" {
      backing = each.host.disk.data.device
      seed    = "cd / && install -d -o postgres -g postgres -m 0700 $1/data && runuser -u postgres -- /usr/lib/postgresql/15/bin/initdb -D $1/data --locale=C.UTF-8 --data-checksums >/dev/null"
    }

    secret "/etc/corosync/authkey" { value = secret("corosync", 256) }
    file "/etc/corosync/corosync.conf" {
      owes = ["corosync:reload"]
      content = template("corosync.conf.tmpl", {
        cluster   = cluster.name
        token     = 5000
        consensus = 1000
        nodes     = [for i, n in sort([for h in role.pg.hosts : h.name]) : { name = n, id = i + 1, links = distinct(concat(host[n].network.ring.addresses, [host[n].network.replication.address])) }]
      })
    }
    directory "/etc/systemd/system/corosync.service.d" {}
    file "/etc/systemd/system/corosync.service.d/haprov.conf" {
      content = template("corosync.service.tmpl", { token = 5000, consensus = 1000 })
    }
    service "corosync" {}
    corosync "ring" {}
    service "pacemaker" {}
    pacemaker "cib" {
      properties = {
        stonith-enabled        = "true"
        no-quorum-policy       = "stop"
        start-failure-is-fatal = "false"
        priority-fencing-delay = "6s"
      }
      servers  = ["pg-server"]
      defaults = { priority = "1", resource-stickiness = "100", migration-threshold = "3", failure-timeout = "10min" }
      primitive "drbd-pg" {
        agent  = "ocf:linbit:drbd"
        params = { drbd_resource = "pgdata", unfence_if_all_uptodate = "true" }
        op "start" { timeout = "240s" }
        op "promote" { timeout = "150s" }
        op "demote" { timeout = "90s" }
        op "stop" { timeout = "100s" }
        op "notify" { timeout = "90s" }
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
      clone "drbd-pg-clone" {
        of   = "drbd-pg"
        meta = { promotable = "true", promoted-max = "1", promoted-node-max = "1", clone-max = "2", clone-node-max = "1", notify = "true", interleave = "true" }
      }
      primitive "pg-fs" {
        agent  = "ocf:heartbeat:Filesystem"
        params = { device = "/dev/drbd0", directory = "/srv/pg", fstype = "ext4", options = "noatime" }
        op "start" { timeout = "60s" }
        op "stop" { timeout = "60s" }
        op "monitor" {
          interval = "20s"
          timeout  = "40s"
        }
      }
      primitive "pg-server" {
        agent = "ocf:heartbeat:pgsql"
        params = {
          pgctl         = "/usr/lib/postgresql/15/bin/pg_ctl"
          psql          = "/usr/bin/psql"
          pgdata        = "/srv/pg/data"
          config        = "/etc/postgresql-ha/postgresql.conf"
          socketdir     = "/run/postgresql"
          stop_escalate = "30"
        }
        op "start" { timeout = "300s" }
        op "stop" { timeout = "60s" }
        op "monitor" {
          interval = "10s"
          timeout  = "30s"
        }
      }
      primitive "pg-vip" {
        agent  = "ocf:heartbeat:IPaddr2"
        params = { ip = cidraddress(input.vip), cidr_netmask = cidrlength(input.vip) }
        op "monitor" {
          interval = "10s"
          timeout  = "20s"
        }
      }
      group "pg" { of = ["pg-fs", "pg-server", "pg-vip"] }
      colocation "pg-with-drbd" {
        of   = "pg"
        with = "drbd-pg-clone"
        role = "Promoted"
      }
      order "drbd-before-pg" {
        first  = "drbd-pg-clone"
        action = "promote"
        then   = "pg"
      }
      fence {}
    }
    # no kind knows PostgreSQL: a command that looks only where the server is
    command "the application's role" {
      probe = "! mountpoint -q /srv/pg || runuser -u postgres -- psql -tAc \"select 1 from pg_roles where rolname = 'app'\" | grep -qx 1"
      run   = "runuser -u postgres -- psql -q -v ON_ERROR_STOP=1"
      stdin = "CREATE ROLE app LOGIN PASSWORD '${secret("app")}';\n"
    }
    command "the application's database" {
      probe = "! mountpoint -q /srv/pg || runuser -u postgres -- psql -tAc \"select 1 from pg_database where datname = 'app'\" | grep -qx 1"
      run   = "runuser -u postgres -- createdb -O app app"
    }
    # for the check below: no password is ever an argument
    file "/etc/haprov/pgpass" {
      mode    = "0600"
      content = "*:*:*:app:${secret("app")}\n"
    }
    fencing "standby" {
      rests_on = concat(["/etc/corosync/corosync.conf", "/etc/drbd.d/pgdata.res"], lab.enabled ? ["/usr/sbin/fence_haprov"] : [])
    }
  }

  check "a row written through the virtual IP is read back, from each host" {
    on       = "each"
    writes   = true
    run      = <<-EOT
      ask() { PGPASSFILE=/etc/haprov/pgpass PGCONNECT_TIMEOUT=5 timeout 20 psql -h ${cidraddress(input.vip)} -U app -d app -wqtA -v ON_ERROR_STOP=1 -c "$1"; }
      said=$(uname -n)-$(date +%s.%N)
      ask "CREATE TABLE IF NOT EXISTS haprov_check (host text PRIMARY KEY, said text)" 2>/dev/null &&
      ask "INSERT INTO haprov_check VALUES ('${each.host.name}', '$said') ON CONFLICT (host) DO UPDATE SET said = excluded.said" &&
      [ "$(ask "SELECT said FROM haprov_check WHERE host = '${each.host.name}'")" = "$said" ]
    EOT
    deadline = "1m"
  }
}
