recipe "base" {
  about = "What every host has"
  input "peers" { type = list(string) }

  on "all" {
    file "/etc/peers" {
      content = "${join(" ", input.peers)}\n"
    }
  }
  on "proxy" {
    package "haproxy" {}
  }
}
