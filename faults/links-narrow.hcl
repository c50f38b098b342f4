fault "links-narrow" {
  about = "No more than 1 Mbit/s goes between the host and the others"
  risk  = "stall"
  links {
    rate = "1mbit"
  }
}
