host "db1" {
  address = "10.0.0.1 # ERROR: Invalid multi-line string
} # ERROR: Invalid multi-line string
