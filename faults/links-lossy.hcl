fault "links-lossy" {
  about = "The links to the other hosts lose a twentieth of the frames"
  risk  = "stall"
  lab {
    loss = 5
  }
}
