// Package nats stands in for an old copy of the NATS client, which can no longer be had: the same names, of today's client.
package nats

import "github.com/nats-io/nats.go"

type (
	Conn         = nats.Conn
	Msg          = nats.Msg
	MsgHandler   = nats.MsgHandler
	Option       = nats.Option
	Subscription = nats.Subscription
)

var (
	ClosedHandler     = nats.ClosedHandler
	Connect           = nats.Connect
	DisconnectHandler = nats.DisconnectHandler
	ErrorHandler      = nats.ErrorHandler
	MaxReconnects     = nats.MaxReconnects
	Name              = nats.Name
	ReconnectHandler  = nats.ReconnectHandler
	ReconnectWait     = nats.ReconnectWait
	RootCAs           = nats.RootCAs
	Secure            = nats.Secure
)
