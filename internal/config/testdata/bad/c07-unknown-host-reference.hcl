host "db1" { address = "10.0.0.1" }
group "g" { hosts = [host.bd1] } # ERROR: Unknown host "bd1"
