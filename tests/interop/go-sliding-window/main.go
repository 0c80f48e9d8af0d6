// A program with the sessions of go-sliding-window, over UDP and over NATS, driven by JSON lines.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"mconn/interop/peer"
)

// Config is how a session behaves. What is 0 keeps the default.
type Config struct {
	// Net is "udp" or "nats".
	Net string `json:"net"`
	// Port is that of the NATS server, or the UDP port of the other side; when that is 0, it is learnt from what arrives.
	Port int `json:"port"`
	// Local and Remote are the names of the two inboxes; with NATS, the subjects.
	Local  string `json:"local"`
	Remote string `json:"remote"`
	// Window and WindowBytes are what the receiving side holds at most.
	Window      int64 `json:"window"`
	WindowBytes int64 `json:"window_bytes"`
	// TimeoutMs is how often packets are looked at for their retransmission.
	TimeoutMs   int `json:"timeout_ms"`
	KeepaliveMs int `json:"keepalive_ms"`
	// ConnectMs is how long a Connect waits before it sends its SYN again. The default, a minute, is longer than a session lives
	// that hears nothing: a SYN that is lost ends it.
	ConnectMs int `json:"connect_ms"`
	// Faults are what happens to the packets that this side sends.
	Faults Faults `json:"faults"`
}

// Command is a line of the standard input. The sessions are numbered by who gives the commands.
type Command struct {
	Do   string `json:"do"`
	Link int    `json:"link"`
	// Config goes with "open".
	Config Config `json:"config"`
	// Index (of the first message) and Lens (one per message) go with "push" and "write".
	Index int   `json:"index"`
	Lens  []int `json:"lens"`
}

// Event is a line of the standard output.
type Event struct {
	Event  string `json:"event"`
	Link   int    `json:"link"`
	Port   int    `json:"port,omitempty"`
	Seq    int64  `json:"seq"`
	Len    int    `json:"len"`
	Sha256 string `json:"sha256,omitempty"`
	Text   string `json:"text,omitempty"`
	// Status goes with "status".
	Status *Status `json:"status,omitempty"`
}

// Status is how a session is doing.
type Status struct {
	Sent     int64  `json:"sent"`
	Consumed int64  `json:"consumed"`
	Faults   Counts `json:"faults"`
}

func main() {
	sessions := map[int]*session{}
	lines := json.NewDecoder(bufio.NewReader(os.Stdin))
	for {
		var command Command
		err := lines.Decode(&command)
		if err == io.EOF {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "not a command:", err)
			os.Exit(2)
		}
		switch known := sessions[command.Link]; {
		case command.Do == "nats":
			serve(command.Link)
		case command.Do == "open":
			opened, err := open(command.Link, command.Config)
			if err != nil {
				peer.Tell(Event{Event: "failed", Link: command.Link, Text: err.Error()})
			} else {
				sessions[command.Link] = opened
			}
		case known == nil:
			peer.Tell(Event{Event: "failed", Link: command.Link, Text: "not open"})
		default:
			known.todo <- command
		}
	}
}

// serve runs a NATS server until the end.
func serve(number int) {
	running, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true})
	if err != nil {
		peer.Tell(Event{Event: "failed", Link: number, Text: err.Error()})
		return
	}
	go running.Start()
	running.ReadyForConnections(10 * time.Second)
	peer.Tell(Event{Event: "serving", Link: number, Port: running.Addr().(*net.TCPAddr).Port})
}
