# A group that needs most of its members, without Pacemaker: the broker itself looks after its queues.
recipe "rabbitmq" {
  about = "RabbitMQ on three hosts or more: one cluster, quorum queues"

  role "mq" {
    min = 3
    max = 7
  }

  on "mq" {
    # before the package, which draws a cookie of its own where it finds none; Erlang takes 255
    # characters at most
    group "rabbitmq" { system = true }
    user "rabbitmq" {
      system = true
      group  = "rabbitmq"
      home   = "/var/lib/rabbitmq"
      shell  = "/usr/sbin/nologin"
    }
    directory "/var/lib/rabbitmq" {
      owner = "rabbitmq"
      group = "rabbitmq"
    }
    secret "/var/lib/rabbitmq/.erlang.cookie" {
      value = secret("erlang", 64)
      owner = "rabbitmq"
      group = "rabbitmq"
      owes  = ["rabbitmq-server.service:restart"]
    }
    package "stack" { names = ["rabbitmq-server", "python3-pika"] }
    directory "/etc/haprov" { mode = "0755" }
    file "/etc/rabbitmq/rabbitmq.conf" {
      content = template("rabbitmq.conf.tmpl", { cluster = cluster.name, nodes = sort([for h in role.mq.hosts : h.name]) })
      owes    = ["rabbitmq-server.service:restart"]
    }
    # they start together: the first one forms the cluster, and the others look for it for 5 s each
    barrier "all have cookie and configuration" {}
    service "rabbitmq-server" { restarts = "rolling" }
    rolling "rabbitmq-server.service" {
      ready   = "rabbitmqctl -q await_online_nodes ${length(role.mq.hosts)} --timeout 3"
      drain   = "rabbitmq-upgrade -q await_online_quorum_plus_one --timeout 120 && rabbitmq-upgrade -q drain"
      undrain = "rabbitmq-upgrade -q revive"
    }
    secret "/etc/haprov/app.password" { value = secret("app") }
    command "the application's user, and no guest" {
      place = "one"
      probe = "[ \"$(rabbitmqctl -q list_users --no-table-headers | cut -f 1)\" = app ]"
      run   = "rabbitmqctl -q list_users --no-table-headers </dev/null | grep -q '^app\t' || rabbitmqctl -q add_user app\nrabbitmqctl -q set_permissions app '.*' '.*' '.*'\nrabbitmqctl -q delete_user guest </dev/null || :"
      stdin = "${secret("app")}\n"
    }
    file "/usr/local/bin/queue" {
      content = file("queue")
      mode    = "0755"
    }
  }

  check "a message put into a quorum queue comes back, on each host" {
    on       = "each"
    writes   = true
    run      = "q=check-$(uname -n); s=$(date +%s.%N); timeout 25 queue put $q $s && [ \"$(timeout 25 queue get $q)\" = $s ]"
    deadline = "1m"
  }
}
