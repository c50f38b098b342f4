fault "power-blip" {
  about = "The power is cut and comes back at once"
  risk  = "host"
  lab {
    power = "cycle"
  }
}
