host "db1" { # ERROR: Unclosed configuration block
  address = "10.0.0.1"
