package peer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"sync"
)

// link is one connection and what waits to be sent on it.
type link struct {
	number  int
	version Version
	ready   chan struct{}
	stream  Connection
	senders map[byte]chan message
	pending sync.WaitGroup
	// gate is locked while nothing is to be received: then onReceive blocks, as a slow reactor does.
	gate sync.Mutex
}

type message struct{ index, len int }

func newLink(number int, version Version) *link {
	return &link{number: number, version: version, ready: make(chan struct{}), senders: map[byte]chan message{}}
}

func (l *link) follow(command Command) {
	switch command.Do {
	case "listen":
		l.listen(command.Config)
	case "dial":
		go func() {
			stream, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", command.Port))
			l.start(stream, err, command.Config)
		}()
	case "send":
		l.queue(command)
	case "judge":
		l.judge(command)
	case "pause":
		l.gate.Lock()
		Tell(Event{Event: "paused", Link: l.number})
	case "resume":
		l.gate.Unlock()
	default:
		go l.whenReady(command.Do)
	}
}

func (l *link) whenReady(do string) {
	<-l.ready
	switch do {
	case "wait":
		l.pending.Wait()
		Tell(Event{Event: "idle", Link: l.number})
	case "flush_stop":
		l.stream.FlushStop()
		Tell(Event{Event: "flushed", Link: l.number, Running: l.stream.IsRunning()})
	case "stop":
		l.stream.Stop()
		Tell(Event{Event: "stopped", Link: l.number, Running: l.stream.IsRunning()})
	case "status":
		Tell(Event{Event: "status", Link: l.number, Running: l.stream.IsRunning(), Status: l.stream.Status()})
	default:
		Tell(Event{Event: "confused", Link: l.number, Text: do})
	}
}

func (l *link) listen(config Config) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		Tell(Event{Event: "failed", Link: l.number, Text: err.Error()})
		return
	}
	Tell(Event{Event: "listening", Link: l.number, Port: listener.Addr().(*net.TCPAddr).Port})
	go func() {
		stream, err := listener.Accept()
		listener.Close()
		l.start(stream, err, config)
	}()
}

func (l *link) start(stream net.Conn, err error, config Config) {
	if err != nil {
		Tell(Event{Event: "failed", Link: l.number, Text: err.Error()})
		return
	}
	if config.Node != nil {
		sealed, info, err := l.version.Seal(stream, *config.Node, ids(config))
		if err != nil {
			stream.Close()
			Tell(Event{Event: "failed", Link: l.number, Text: err.Error()})
			return
		}
		Tell(Event{Event: "shaken", Link: l.number, Info: info})
		stream = sealed
	}
	l.stream = l.version.Open(stream, config, l.received, func(reason interface{}) {
		Tell(Event{Event: "error", Link: l.number, Text: fmt.Sprint(reason)})
	})
	// First, so that nothing that is received comes before it.
	Tell(Event{Event: "started", Link: l.number})
	if err := l.stream.Start(); err != nil {
		Tell(Event{Event: "failed", Link: l.number, Text: err.Error()})
		return
	}
	close(l.ready)
}

func (l *link) judge(command Command) {
	encoded, err := hex.DecodeString(command.Encoded)
	if err == nil {
		err = l.version.Judge(encoded, *command.Config.Node, ids(command.Config))
	}
	event := Event{Event: "judged", Link: l.number}
	if err != nil {
		event.Text = err.Error()
	}
	Tell(event)
}

func ids(config Config) []byte {
	var ids []byte
	for _, channel := range config.Channels {
		ids = append(ids, channel.ID)
	}
	return ids
}

func (l *link) received(channel byte, payload []byte) {
	l.gate.Lock()
	l.gate.Unlock()
	Tell(Event{Event: "message", Link: l.number, Channel: channel, Len: len(payload), Sha256: Sum(payload)})
}

// queue has the messages sent in order on their channel, at the same time as those of other channels.
func (l *link) queue(command Command) {
	sender := l.senders[command.Channel]
	if sender == nil {
		sender = make(chan message, 1<<16)
		l.senders[command.Channel] = sender
		go l.send(command.Channel, sender)
	}
	l.pending.Add(len(command.Lens))
	for offset, len := range command.Lens {
		sender <- message{index: command.Index + offset, len: len}
	}
}

func (l *link) send(channel byte, messages <-chan message) {
	<-l.ready
	for message := range messages {
		if !l.stream.Send(channel, Pattern(channel, message.index, message.len)) {
			Tell(Event{Event: "refused", Link: l.number, Channel: channel, Index: message.index, Len: message.len})
		}
		l.pending.Done()
	}
}

// Sum is the SHA-256 of a payload, in hexadecimal.
func Sum(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:])
}

// Pattern is the payload of message number index on a channel: the same as in the golden data.
func Pattern(channel byte, index, len int) []byte {
	payload := make([]byte, len)
	for i := range payload {
		payload[i] = byte(31*i + 7*index + int(channel))
	}
	return payload
}
