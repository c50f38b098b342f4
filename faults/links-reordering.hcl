fault "links-reordering" {
  about = "A quarter of the frames between the host and the others overtakes the rest, which is 20 ms late"
  risk  = "stall"
  links {
    reorder = 25
  }
}
