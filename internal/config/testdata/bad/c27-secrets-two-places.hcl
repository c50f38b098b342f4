network "a" { cidr = "10.0.0.0/24" }
host "db1" { address = "10.0.0.11" }
secrets { # ERROR: Secrets have one place
  age { recipients = ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"] }
  command { run = ["sh"] }
}
