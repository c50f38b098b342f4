host "db1" {} # ERROR: Host has no address
