module github.com/glycerine/hnatsd

go 1.22

require github.com/nats-io/nats-server/v2 v2.10.22
