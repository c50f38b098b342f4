fault "fence-refuses" {
  about = "The fence device of the host refuses"
  risk  = "stall"
  lab {
    fence = "refuses"
  }
}
