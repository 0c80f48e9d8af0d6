package peer

import (
	"fmt"
	"net"
	"strings"
)

// Switch is what the switches of all versions can do.
type Switch interface {
	// ID is the id of the node.
	ID() string
	Start() error
	Dial(address string) error
	// DialPersistent dials the persistent peers, in the background.
	DialPersistent() error
	// Broadcast waits until all peers have accepted the message or not, where the version tells it: otherwise it is -1.
	Broadcast(channel byte, payload []byte) (accepted int)
	// Send is false as well when there is no such peer.
	Send(peer string, channel byte, payload []byte) bool
	// Disconnect stops a peer: for an error, or gracefully when there is no reason.
	Disconnect(peer, reason string) error
	Peers() []PeerStatus
	Stop()
}

// NewSwitch makes a switch of a version with one reactor, which listens on the port; it is not started yet.
type NewSwitch func(port int, config Config, observer Observer) (Switch, error)

// Observer is told by a reactor.
type Observer struct{ number int }

// Initialised is told before the connection with a peer starts.
func (o Observer) Initialised(peer PeerStatus) {
	Tell(Event{Event: "initialised", Link: o.number, Peer: &peer})
}

// Added is told with the NodeInfo of the peer.
func (o Observer) Added(peer PeerStatus, info any) {
	Tell(Event{Event: "added", Link: o.number, Peer: &peer, Info: info})
}

// Removed is told with the reason, which may be nil.
func (o Observer) Removed(peer PeerStatus, reason any) {
	Tell(Event{Event: "removed", Link: o.number, Peer: &peer, Text: fmt.Sprint(reason)})
}

// Received is told with the content of a message.
func (o Observer) Received(peer PeerStatus, channel byte, payload []byte) {
	Tell(Event{
		Event: "received", Link: o.number, Peer: &peer, Channel: channel, Len: len(payload), Sha256: Sum(payload),
	})
}

// Logged is told what the switch writes into its log, from the level "info" on; that services start and stop is left out.
func (o Observer) Logged(message string, keyvals ...any) {
	if strings.HasPrefix(message, "service ") {
		return
	}
	for i := 0; i+1 < len(keyvals); i += 2 {
		if keyvals[i] == "err" {
			message = fmt.Sprintf("%s: %v", message, keyvals[i+1])
		}
	}
	Tell(Event{Event: "logged", Link: o.number, Text: message})
}

// runner is one switch, which does one thing after the other.
type runner struct {
	number    int
	newSwitch NewSwitch
	todo      chan Command
	running   Switch
}

func newRunner(number int, newSwitch NewSwitch) *runner {
	r := &runner{number: number, newSwitch: newSwitch, todo: make(chan Command, 1<<16)}
	go func() {
		for command := range r.todo {
			if err := r.do(command); err != nil {
				Tell(Event{Event: "failed", Link: number, Text: err.Error()})
			}
		}
	}()
	return r
}

func (r *runner) follow(command Command) { r.todo <- command }

func (r *runner) do(command Command) error {
	switch command.Do {
	case "switch":
		return r.start(command.Config)
	case "dial":
		go func() {
			event := Event{Event: "dialled", Link: r.number}
			if err := r.running.Dial(command.Peer); err != nil {
				event = Event{Event: "failed", Link: r.number, Text: err.Error()}
			}
			Tell(event)
		}()
	case "dial_persistent":
		return r.running.DialPersistent()
	case "broadcast":
		for offset, len := range command.Lens {
			accepted := r.running.Broadcast(command.Channel, Pattern(command.Channel, command.Index+offset, len))
			Tell(Event{Event: "broadcast", Link: r.number, Channel: command.Channel, Len: len, Accepted: accepted})
		}
	case "send":
		for offset, len := range command.Lens {
			payload := Pattern(command.Channel, command.Index+offset, len)
			if !r.running.Send(command.Peer, command.Channel, payload) {
				Tell(Event{Event: "refused", Link: r.number, Channel: command.Channel, Len: len})
			}
		}
	case "disconnect":
		return r.running.Disconnect(command.Peer, command.Reason)
	case "peers":
		Tell(Event{Event: "peers", Link: r.number, Peers: r.running.Peers()})
	case "stop":
		r.running.Stop()
		Tell(Event{Event: "stopped", Link: r.number})
	default:
		return fmt.Errorf("what is %q?", command.Do)
	}
	return nil
}

func (r *runner) start(config Config) error {
	port := config.Node.Port
	if port == 0 {
		// The transport cannot tell which port it got, so it must be given one.
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		port = listener.Addr().(*net.TCPAddr).Port
		listener.Close()
	}
	var err error
	if r.running, err = r.newSwitch(port, config, Observer{r.number}); err != nil {
		return err
	}
	if err := r.running.Start(); err != nil {
		return err
	}
	Tell(Event{Event: "running", Link: r.number, Port: port, Text: r.running.ID()})
	return nil
}
