// Package peer is the part of the Go peers that does not depend on the version of MConnection: it reads commands as JSON
// lines from the standard input and writes what happens as JSON lines to the standard output.
package peer

import (
	"encoding/json"
	"os"
	"sync"
)

// Channel is one channel of a connection. What is 0 keeps the default of the version.
type Channel struct {
	ID       byte `json:"id"`
	Priority int  `json:"priority"`
	Queue    int  `json:"queue"`
	Capacity int  `json:"capacity"`
}

// Config is how a connection behaves. What is 0 keeps the default of the version, except for the rates, where it lifts the
// limit.
type Config struct {
	Channels []Channel `json:"channels"`
	Payload  int       `json:"payload"`
	PingMs   int       `json:"ping_ms"`
	PongMs   int       `json:"pong_ms"`
	FlushMs  int       `json:"flush_ms"`
	SendRate int64     `json:"send_rate"`
	RecvRate int64     `json:"recv_rate"`
	// Node is who speaks over a SecretConnection. Without it a connection is plain.
	Node *Node `json:"node"`
}

// Node is who a sealed connection or a switch says it is.
type Node struct {
	// Secret is what the node key is made of.
	Secret  string `json:"secret"`
	Network string `json:"network"`
	Moniker string `json:"moniker"`
	// Dialled is the id that the other side must have.
	Dialled string `json:"dialled"`
	// Port is the one on which a switch listens. With 0 it takes a free one.
	Port int `json:"port"`
	// Persistent are the addresses that a switch never gives up.
	Persistent []string `json:"persistent"`
	// Echo are the channels on which a switch sends back what it receives.
	Echo []int `json:"echo"`
	// MaxInbound limits the inbound peers of a switch. 0 keeps the default.
	MaxInbound int `json:"max_inbound"`
	// Strict allows one peer per IP address, as the default of the real nodes is.
	Strict bool `json:"strict"`
}

// Command is a line of the standard input. Connections and switches are numbered by who gives the commands.
type Command struct {
	Do   string `json:"do"`
	Link int    `json:"link"`
	// Config goes with "listen", "dial", "judge" and "switch".
	Config Config `json:"config"`
	// Encoded goes with "judge", in hexadecimal.
	Encoded string `json:"encoded"`
	// Port goes with "dial".
	Port int `json:"port"`
	// Channel, Index (of the first message on the channel) and Lens (one per message) go with "send" and "broadcast".
	Channel byte  `json:"channel"`
	Index   int   `json:"index"`
	Lens    []int `json:"lens"`
	// Peer is the id of a peer of a switch, or an address to dial.
	Peer string `json:"peer"`
	// Reason goes with "disconnect". Without it the peer is stopped gracefully.
	Reason string `json:"reason"`
}

// Event is a line of the standard output.
type Event struct {
	Event   string          `json:"event"`
	Link    int             `json:"link"`
	Port    int             `json:"port,omitempty"`
	Channel byte            `json:"channel"`
	Index   int             `json:"index,omitempty"`
	Len     int             `json:"len"`
	Sha256  string          `json:"sha256,omitempty"`
	Text    string          `json:"text,omitempty"`
	Running bool            `json:"running,omitempty"`
	Status  []ChannelStatus `json:"status,omitempty"`
	// Info is the NodeInfo of the other side.
	Info any `json:"info,omitempty"`
	// Peer and Peers are those of a switch.
	Peer  *PeerStatus  `json:"peer,omitempty"`
	Peers []PeerStatus `json:"peers,omitempty"`
	// Accepted tells for how many peers Send was true, where the version tells it at all.
	Accepted int `json:"accepted"`
}

// PeerStatus is a peer of a switch.
type PeerStatus struct {
	ID         string `json:"id"`
	Outbound   bool   `json:"outbound"`
	Persistent bool   `json:"persistent"`
}

// ChannelStatus is how a channel is doing.
type ChannelStatus struct {
	ID      byte `json:"id"`
	Queued  int  `json:"queued"`
	CanSend bool `json:"can_send"`
}

var output struct {
	sync.Mutex
	encoder *json.Encoder
}

// Tell writes a line to the standard output.
func Tell(event any) {
	output.Lock()
	defer output.Unlock()
	if output.encoder == nil {
		output.encoder = json.NewEncoder(os.Stdout)
	}
	if err := output.encoder.Encode(event); err != nil {
		// Nobody listens any more.
		os.Exit(1)
	}
}
