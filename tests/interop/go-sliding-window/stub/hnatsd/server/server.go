// Package server stands in for an old copy of the NATS server, which depends on what can no longer be had.
package server

import "github.com/nats-io/nats-server/v2/server"

type (
	Options = server.Options
	Server  = server.Server
)
