host "db1" {
  vars = { motd = "]0;x" } # ERROR: Control character in file
}
