host "a" { address = null } # ERROR: Host has no address
