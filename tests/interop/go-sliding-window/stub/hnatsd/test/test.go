// Package test starts a NATS server.
package test

import (
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// RunServer runs a server that can be connected to.
func RunServer(options *server.Options) *server.Server {
	running, err := server.NewServer(options)
	if err != nil {
		panic(err)
	}
	go running.Start()
	if !running.ReadyForConnections(10 * time.Second) {
		panic("the NATS server does not start")
	}
	return running
}
