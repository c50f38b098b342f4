host "db1" {
  vars = { a = "x‮y" } # ERROR: Invisible character in file
}
