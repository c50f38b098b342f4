# Two volumes on each host: what is exported, and what the server must remember of its clients.
recipe "nfs-drbd" {
  about  = "An NFS server on replicated disks, moved by Pacemaker, behind a virtual IP, and its clients"
  needs  = ["fencing"]
  active = "mountpoint -q /srv/nfs"

  endpoint "files" {
    about    = "the active node's NFS server"
    address  = cidraddress(input.vip)
    port     = 2049
    protocol = "nfs"
  }

  input "vip" {
    type  = vip
    about = "Virtual IP with its prefix length"
  }
  role "nas" {
    about = "An NFS server"
    min   = 2
    max   = 2
  }
  role "client" {
    about = "A machine that mounts the export"
  }

  on "nas" {
    package "stack" {
      names = ["drbd-utils", "corosync", "pacemaker", "pacemaker-cli-utils", "resource-agents", "fence-agents", "nfs-kernel-server", "xfsprogs"]
    }
    # Pacemaker starts and stops the server and the volumes, nobody else
    service "nfs-server" { enabled = false }
    # The agent takes an init script before the units, and then leaves nfsdcld running: it holds the
    # folder that moves with the server, the stop fails, and the node is fenced. With nfsv4_only it would
    # leave rpc-statd and nfs-mountd, too, which the server's unit wants.
    absent "/etc/init.d/nfs-kernel-server" {}
    service "drbd" { enabled = false }
    kernel_module "drbd" {}
    file "/usr/sbin/fence_haprov" {
      content = template("fence_haprov", {})
      mode    = "0755"
      when    = lab.enabled
    }
    directory "/etc/haprov" { mode = "0755" }

    # after a failover nobody may write for the grace time, in which clients claim their locks again
    directory "/etc/nfs.conf.d" {}
    file "/etc/nfs.conf.d/haprov.conf" {
      content = "[nfsd]\nlease-time=15\ngrace-time=15\n"
      owes    = ["nfs-server:restart"]
    }
    line "drbdsetup has time on a busy machine" {
      path  = "/etc/drbd.d/global_common.conf"
      line  = "global { cmd-timeout-short 60;"
      match = "^global[[:space:]]*[{]"
    }
    file "resource" {
      for_each = { data = 0, state = 1 }
      path     = "/etc/drbd.d/${each.key}.res"
      mode     = "0600"
      content = template("nfs.res.tmpl", {
        name   = each.key
        minor  = each.value
        port   = 7789 + each.value
        nodes  = [for h in role.nas.hosts : { name = h.name, address = h.network.replication.address, disk = h.disk[each.key].device }]
        secret = secret("drbd")
      })
    }
    directory "/srv/nfs" {}
    directory "/srv/nfs-state" {}
    drbd_volume "data" {
      backing    = each.host.disk.data.device
      minor      = 0
      filesystem = "xfs"
      # where the clients' root is nobody
      seed       = "install -d -o nobody -g nogroup $1/share"
    }
    drbd_volume "state" {
      backing = each.host.disk.state.device
      minor   = 1
    }

    secret "/etc/corosync/authkey" { value = secret("corosync", 256) }
    file "/etc/corosync/corosync.conf" {
      owes = ["corosync:reload"]
      content = template("corosync.conf.tmpl", {
        cluster   = cluster.name
        token     = 5000
        consensus = 1000
        nodes     = [for i, n in sort([for h in role.nas.hosts : h.name]) : { name = n, id = i + 1, links = distinct(concat(host[n].network.ring.addresses, [host[n].network.replication.address])) }]
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
      servers  = ["nfs-server"]
      defaults = { priority = "1", resource-stickiness = "100", migration-threshold = "3", failure-timeout = "10min" }
      primitive "drbd-data" {
        agent  = "ocf:linbit:drbd"
        params = { drbd_resource = "data", unfence_if_all_uptodate = "true" }
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
      clone "drbd-data-clone" {
        of   = "drbd-data"
        meta = { promotable = "true", promoted-max = "1", promoted-node-max = "1", clone-max = "2", clone-node-max = "1", notify = "true", interleave = "true" }
      }
      primitive "drbd-state" {
        agent  = "ocf:linbit:drbd"
        params = { drbd_resource = "state", unfence_if_all_uptodate = "true" }
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
      clone "drbd-state-clone" {
        of   = "drbd-state"
        meta = { promotable = "true", promoted-max = "1", promoted-node-max = "1", clone-max = "2", clone-node-max = "1", notify = "true", interleave = "true" }
      }
      primitive "nfs-fs" {
        agent  = "ocf:heartbeat:Filesystem"
        params = { device = "/dev/drbd0", directory = "/srv/nfs", fstype = "xfs", options = "noatime" }
        op "start" { timeout = "60s" }
        op "stop" { timeout = "60s" }
        op "monitor" {
          interval = "20s"
          timeout  = "40s"
        }
      }
      primitive "nfs-state-fs" {
        agent  = "ocf:heartbeat:Filesystem"
        params = { device = "/dev/drbd1", directory = "/srv/nfs-state", fstype = "ext4", options = "noatime" }
        op "start" { timeout = "60s" }
        op "stop" { timeout = "60s" }
        op "monitor" {
          interval = "20s"
          timeout  = "40s"
        }
      }
      # the scope is one name for both nodes: a client claims its locks of no other server
      primitive "nfs-server" {
        agent  = "ocf:heartbeat:nfsserver"
        params = { nfs_shared_infodir = "/srv/nfs-state/nfsinfo", nfs_server_scope = cluster.name }
        op "start" { timeout = "60s" }
        op "stop" { timeout = "60s" }
        op "monitor" {
          interval = "10s"
          timeout  = "30s"
        }
      }
      primitive "nfs-export" {
        agent  = "ocf:heartbeat:exportfs"
        params = { clientspec = cidrnetwork(input.vip), options = "rw,sync,no_subtree_check", directory = "/srv/nfs/share", fsid = "1" }
        op "start" { timeout = "40s" }
        op "stop" { timeout = "60s" }
        op "monitor" {
          interval = "10s"
          timeout  = "30s"
        }
      }
      primitive "nfs-vip" {
        agent  = "ocf:heartbeat:IPaddr2"
        params = { ip = cidraddress(input.vip), cidr_netmask = cidrlength(input.vip) }
        op "monitor" {
          interval = "10s"
          timeout  = "20s"
        }
      }
      group "nfs" { of = ["nfs-fs", "nfs-state-fs", "nfs-server", "nfs-export", "nfs-vip"] }
      # one after the other, or each volume could be promoted on another node
      colocation "state-with-data" {
        of      = "drbd-state-clone"
        of_role = "Promoted"
        with    = "drbd-data-clone"
        role    = "Promoted"
      }
      colocation "nfs-with-state" {
        of   = "nfs"
        with = "drbd-state-clone"
        role = "Promoted"
      }
      order "data-first" {
        first  = "drbd-data-clone"
        action = "promote"
        then   = "nfs"
      }
      order "state-first" {
        first  = "drbd-state-clone"
        action = "promote"
        then   = "nfs"
      }
      fence {}
    }
    fencing "standby" {
      rests_on = concat(["/etc/corosync/corosync.conf", "/etc/drbd.d/data.res", "/etc/drbd.d/state.res"], lab.enabled ? ["/usr/sbin/fence_haprov"] : [])
    }
  }

  on "client" {
    package "nfs-common" {}
  }
  on "all" {
    barrier "the export is served" {}
  }
  on "client" {
    mount "/mnt/share" {
      device  = "${cidraddress(input.vip)}:/srv/nfs/share"
      type    = "nfs4"
      options = ["hard", "_netdev", "nofail"]
    }
  }

  check "it is exported" {
    on  = "active"
    run = "exportfs | grep -q '^/srv/nfs/share'"
  }
  check "a file written through the virtual IP is read back" {
    role     = "client"
    on       = "each"
    writes   = true
    run      = <<-EOT
      f=/mnt/share/haprov-check-$(uname -n); said=$(date +%s.%N)
      echo "$said" | timeout 40 dd of=$f conv=fsync status=none && [ "$(timeout 20 dd if=$f iflag=direct status=none)" = "$said" ]
    EOT
    deadline = "1m"
  }
}
