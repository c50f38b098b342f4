# Pacemaker for two hosts and more, with nothing to lose: a dummy that keeps a file, and an address.
recipe "dummy" {
  about  = "Pacemaker with a Dummy resource and a virtual IP"
  needs  = ["fencing"]
  active = "ip -o addr show | grep -qF ' ${input.vip} '"

  input "vip" {
    type  = vip
    about = "Virtual IP with its prefix length"
  }
  role "node" {
    min = 2
    max = 9
  }

  on "node" {
    package "cluster" { names = ["corosync", "pacemaker", "pacemaker-cli-utils", "resource-agents", "fence-agents"] }
    file "/usr/sbin/fence_haprov" {
      content = template("fence_haprov", {})
      mode    = "0755"
      when    = lab.enabled
    }
    secret "/etc/corosync/authkey" { value = secret("corosync", 256) }
    file "/etc/corosync/corosync.conf" {
      owes = ["corosync:reload"]
      content = template("corosync.conf.tmpl", {
        cluster   = cluster.name
        token     = 5000
        consensus = 6000
        nodes     = [for i, n in sort([for h in role.node.hosts : h.name]) : { name = n, id = i + 1, links = host[n].network.ring.addresses }]
      })
    }
    directory "/etc/systemd/system/corosync.service.d" {}
    file "/etc/systemd/system/corosync.service.d/haprov.conf" {
      content = template("corosync.service.tmpl", { token = 5000, consensus = 6000 })
    }
    service "corosync" {}
    corosync "ring" {}
    service "pacemaker" {}
    pacemaker "cib" {
      properties = {
        stonith-enabled        = "true"
        no-quorum-policy       = "stop"
        start-failure-is-fatal = "false"
        priority-fencing-delay = "10s"
      }
      defaults = { priority = "1", resource-stickiness = "100", migration-threshold = "3", failure-timeout = "10min" }
      primitive "dummy" {
        agent = "ocf:pacemaker:Dummy"
        op "monitor" {
          interval = "10s"
          timeout  = "20s"
        }
      }
      primitive "vip" {
        agent  = "ocf:heartbeat:IPaddr2"
        params = { ip = cidraddress(input.vip), cidr_netmask = cidrlength(input.vip) }
        op "monitor" {
          interval = "10s"
          timeout  = "20s"
        }
      }
      group "front" { of = ["dummy", "vip"] }
      fence {}
    }
    fencing "standby" {
      rests_on = concat(["/etc/corosync/corosync.conf"], lab.enabled ? ["/usr/sbin/fence_haprov"] : [])
    }
  }
  check "the dummy runs" {
    on  = "active"
    run = "crm_resource --locate --resource dummy | grep -q \"$(crm_node -n)\""
  }
}
