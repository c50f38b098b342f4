fault "broken" {
  about = "Two things at once"
  risk  = "host"
  lab {
    power = "off"
    pause = true
  }
}
