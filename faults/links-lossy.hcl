fault "links-lossy" {
  about = "The links to the other hosts lose a fifth of the frames"
  risk  = "stall"
  lab {
    loss = 20
  }
}
