# One step and more of each kind that works on one host alone and that no shipped stack has.
recipe "hosts" {
  about = "Host kinds, each at least once"

  role "main" {
    min = 1
    max = 1
  }
  role "other" {
    min = 1
    max = 1
  }

  # docs/real-machines.md has the recipe.
  on "other" {
    use "clock" { inputs = { servers = [role.main.hosts[0].address] } }
  }

  on "main" {
    package "lvm2" {}
    package "nftables" { when = lab.can.filter_packets }
    package "systemd-timesyncd" { removed = true }
    package "chrony" {}
    file "/etc/chrony/chrony.conf" {
      content = "local stratum 8\nallow\ndriftfile /var/lib/chrony/chrony.drift\n"
      owes    = ["chrony.service:restart"]
    }
    service "chrony" {}
    package "time zones" {
      names   = ["tzdata"]
      upgrade = true
    }
    package "held" {
      names = ["cron"]
      hold  = true
    }
    package "nano" { removed = true }

    directory "/srv/repository" {}
    file "/srv/repository/Packages" { source = "repository/Packages" }
    file "/srv/repository/InRelease" { source = "repository/InRelease" }
    apt_repository "haprov-tests" {
      uris        = ["file:/srv/repository"]
      suites      = ["./"]
      fingerprint = "1AA1 7B18 F4AD 9E18 64DA 5E1F 7CC9 37B3 33E3 BED9"
      key         = <<-EOT
        -----BEGIN PGP PUBLIC KEY BLOCK-----

        mDMEawon7RYJKwYBBAHaRw8BAQdAiBgIrI8zzyTgEjHZWzmIbNu40rsXz3wZhQOd
        dCiaE9e0FmhhcHJvdiB0ZXN0IHJlcG9zaXRvcnmIkAQTFggAOBYhBBqhexj0rZ4Y
        ZNpeH3zJN7Mz477ZBQJrCiftAhsDBQsJCAcCBhUKCQgLAgQWAgMBAh4BAheAAAoJ
        EHzJN7Mz477ZQrIBANVNOSD4uT9k7Dgj1WcCx5sGSI5DCwoAL6omrDVeRWfGAQDC
        Gh/KmO6gbXJ8pLOd1qD7rcAopxk3YxiQVj7cpoVHDw==
        =jpZQ
        -----END PGP PUBLIC KEY BLOCK-----
        EOT
    }

    hostname "web7" {}
    hosts_entry "192.168.61.11" {
      names = ["web7.example", "web7"]
    }
    hosts_entry "fd00:61::11" {
      names = ["web7.example", "web7"]
    }
    timezone "Europe/Zurich" {}

    user "courier" {
      home        = "/home/courier"
      create_home = true
      shell       = "/bin/sh"
    }
    authorized_key "vault" {
      user    = "courier"
      key     = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKvJ0VQ1ZkQb3bJ0m2xXbB0Zf1kF4c5n8W0m3t9Yy1aZ courier@vault"
      options = ["restrict", "command=\"/bin/true\""]
    }

    block "courier" {
      path     = "/etc/ssh/sshd_config"
      content  = "Match User courier\n  PasswordAuthentication no\n"
      validate = "sshd -t -f %s"
      owes     = ["ssh.service:reload"]
    }
    service "ssh" {}

    timer "greeting" {
      on_calendar = "*-*-* 04:00:00"
      command     = "date '+%F \"$USER\"' >>/run/greeting"
      persistent  = true
    }
    service "apt-daily.timer" { masked = true }
    absent "/etc/cron.d/e2scrub_all" {}

    archive "/opt/tool" {
      source = "tool.tar"
      strip  = 1
      owner  = "courier"
      group  = "courier"
    }

    volume_group "data" { disks = [each.host.disk.one.device] }
    logical_volume "small" {
      group = "data"
      size  = "30MiB"
    }
    logical_volume "rest" { group = "data" }
    filesystem "small" { device = "/dev/data/small" }
    mount "/srv/small" { device = "/dev/data/small" }

    packet_filter "site" {
      when  = lab.can.filter_packets
      rules = <<-EOT
        chain input {
          type filter hook input priority 0; policy drop;
          ct state established,related accept
          iif "lo" accept
          tcp dport 22 accept
          udp dport 123 accept
        }
        EOT
    }
  }

  check "apt knows the repository's package" {
    role = "main"
    run = "apt-cache policy haprov-example | grep -q 'Candidate: 1.0'"
  }
}
