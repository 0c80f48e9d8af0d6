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
}

// Command is a line of the standard input. The connections are numbered by who gives the commands.
type Command struct {
	Do   string `json:"do"`
	Link int    `json:"link"`
	// Config goes with "listen" and "dial".
	Config Config `json:"config"`
	// Port goes with "dial".
	Port int `json:"port"`
	// Channel, Index (of the first message on the channel) and Lens (one per message) go with "send".
	Channel byte  `json:"channel"`
	Index   int   `json:"index"`
	Lens    []int `json:"lens"`
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

func tell(event Event) {
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
