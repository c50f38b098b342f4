host "db1" { address = "10.0.0.1" }
group "web" { hosts = [host.db1] }
group "g" { hosts = [group.wep] } # ERROR: Unknown group "wep"
