fault "pause" {
  about = "The machine stands still as a whole, its clock included"
  risk  = "host"
  lab {
    pause = true
  }
}
