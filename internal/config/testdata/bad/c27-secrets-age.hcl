network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.11" }
secrets {
  age {
    file       = "" # ERROR: File has no name
    recipients = [  # ERROR: Recipient 1 is no public key # ERROR: Recipient 2 is no public key # ERROR: Recipient 3 is no public key # ERROR: Recipient 5 is listed twice
      "bob",
      "AGE-SECRET-KEY-1HUNTER2HUNTER2HUNTER2HUNTER2HUNTER2HUNTER2HUNTER2HUNTER2HU",
      "ssh-ed25519 rubbish",
      "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
      "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
    ]
  }
}
