package peer

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
)

// Connection is what all versions of MConnection can do.
type Connection interface {
	Start() error
	Stop()
	FlushStop()
	Send(channel byte, message []byte) bool
	IsRunning() bool
	Status() []ChannelStatus
}

// Open makes a connection of a version; it is not started yet.
type Open func(stream net.Conn, config Config, onReceive func(byte, []byte), onError func(interface{})) Connection

// Seal makes a connection secret and exchanges the NodeInfo over it, as the transport of the version does.
type Seal func(stream net.Conn, node Node, channels []byte) (sealed net.Conn, info any, err error)

// Judge tells why a peer with this NodeInfo, as it is on the wire, would be refused.
type Judge func(encoded []byte, node Node, channels []byte) error

// Version is what a version of the Go code can do.
type Version struct {
	Open Open
	// The rest may be missing.
	Seal      Seal
	Judge     Judge
	NewSwitch NewSwitch
}

// follower is a connection or a switch.
type follower interface {
	// follow does not wait for anything that takes long.
	follow(command Command)
}

// Run follows the commands until the standard input ends.
func Run(version Version) {
	followers := map[int]follower{}
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
		if followers[command.Link] == nil {
			if command.Do == "switch" {
				followers[command.Link] = newRunner(command.Link, version.NewSwitch)
			} else {
				followers[command.Link] = newLink(command.Link, version)
			}
		}
		followers[command.Link].follow(command)
	}
}
