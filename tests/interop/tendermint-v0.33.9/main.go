// A peer with the MConnection of Tendermint v0.33.9, driven by JSON lines.
package main

import (
	"net"
	"time"

	"github.com/tendermint/tendermint/libs/log"
	"github.com/tendermint/tendermint/p2p/conn"

	"mconn/interop/peer"
)

type connection struct{ *conn.MConnection }

func main() {
	peer.Run(peer.Version{Open: open})
}

func open(stream net.Conn, config peer.Config, onReceive func(byte, []byte), onError func(interface{})) peer.Connection {
	settings := conn.DefaultMConnConfig()
	settings.SendRate = config.SendRate
	settings.RecvRate = config.RecvRate
	if config.Payload != 0 {
		settings.MaxPacketMsgPayloadSize = config.Payload
	}
	milliseconds(&settings.FlushThrottle, config.FlushMs)
	milliseconds(&settings.PingInterval, config.PingMs)
	milliseconds(&settings.PongTimeout, config.PongMs)
	var channels []*conn.ChannelDescriptor
	for _, channel := range config.Channels {
		channels = append(channels, &conn.ChannelDescriptor{
			ID:                  channel.ID,
			Priority:            channel.Priority,
			SendQueueCapacity:   channel.Queue,
			RecvMessageCapacity: channel.Capacity,
		})
	}
	opened := conn.NewMConnectionWithConfig(stream, channels, onReceive, onError, settings)
	// Without a logger the first message packet ends the connection with a nil pointer.
	opened.SetLogger(log.NewNopLogger())
	return connection{opened}
}

func milliseconds(setting *time.Duration, value int) {
	if value != 0 {
		*setting = time.Duration(value) * time.Millisecond
	}
}

func (c connection) Stop() {
	// The error says that it has stopped already.
	_ = c.MConnection.Stop()
}

func (c connection) Status() []peer.ChannelStatus {
	var status []peer.ChannelStatus
	for _, channel := range c.MConnection.Status().Channels {
		status = append(status, peer.ChannelStatus{
			ID:      channel.ID,
			Queued:  channel.SendQueueSize,
			CanSend: c.CanSend(channel.ID),
		})
	}
	return status
}
