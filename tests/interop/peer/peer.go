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

// Run follows the commands until the standard input ends.
func Run(open Open) {
	links := map[int]*link{}
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
		if links[command.Link] == nil {
			links[command.Link] = newLink(command.Link, open)
		}
		links[command.Link].follow(command)
	}
}
