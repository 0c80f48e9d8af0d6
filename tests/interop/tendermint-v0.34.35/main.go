// A peer with the MConnection of CometBFT v0.34.35, driven by JSON lines.
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
	peer.Run(peer.Version{Open: open, Seal: seal, Judge: judge, NewSwitch: newSwitch})
}

func open(stream net.Conn, config peer.Config, onReceive func(byte, []byte), onError func(interface{})) peer.Connection {
	opened := conn.NewMConnectionWithConfig(stream, channels(config), onReceive, onError, connSettings(config))
	// Without a logger the first message packet ends the connection with a nil pointer.
	opened.SetLogger(log.NewNopLogger())
	return connection{opened}
}

// connSettings are those of a connection.
func connSettings(config peer.Config) conn.MConnConfig {
	settings := conn.DefaultMConnConfig()
	settings.SendRate = config.SendRate
	settings.RecvRate = config.RecvRate
	if config.Payload != 0 {
		settings.MaxPacketMsgPayloadSize = config.Payload
	}
	milliseconds(&settings.FlushThrottle, config.FlushMs)
	milliseconds(&settings.PingInterval, config.PingMs)
	milliseconds(&settings.PongTimeout, config.PongMs)
	return settings
}

// channels are the descriptors of the channels.
func channels(config peer.Config) []*conn.ChannelDescriptor {
	var channels []*conn.ChannelDescriptor
	for _, channel := range config.Channels {
		channels = append(channels, &conn.ChannelDescriptor{
			ID:                  channel.ID,
			Priority:            channel.Priority,
			SendQueueCapacity:   channel.Queue,
			RecvMessageCapacity: channel.Capacity,
		})
	}
	return channels
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
