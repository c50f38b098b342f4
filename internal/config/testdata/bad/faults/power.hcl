fault "power" {
  about = "The power goes"
  risk  = "host"
  lab {
    power = "off"
  }
}
