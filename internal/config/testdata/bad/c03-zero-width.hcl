host "db​1" { # ERROR: Invisible character in file
  address = "10.0.0.1"
}
