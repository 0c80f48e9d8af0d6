package main

import (
	"fmt"
	"time"

	swp "github.com/glycerine/go-sliding-window"
	"github.com/nats-io/nats.go"

	"mconn/interop/peer"
)

// session is one end of a conversation, which does one thing after the other.
type session struct {
	*swp.Session
	number int
	remote string
	faulty *faulty
	todo   chan Command
}

func open(number int, config Config) (*session, error) {
	below, port, err := network(config)
	if err != nil {
		return nil, err
	}
	faulty := &faulty{Network: below, faults: config.Faults, random: newRandom(config.Faults.Seed)}
	settings := swp.SessionConfig{
		Net:               faulty,
		LocalInbox:        config.Local,
		DestInbox:         config.Remote,
		WindowMsgCount:    config.Window,
		WindowByteSz:      config.WindowBytes,
		Timeout:           time.Duration(config.TimeoutMs) * time.Millisecond,
		KeepAliveInterval: time.Duration(config.KeepaliveMs) * time.Millisecond,
		Clk:               swp.RealClk,
	}
	if nats, ok := below.(*swp.NatsNet); ok && config.Faults == (Faults{}) {
		// A session limits what its subscription holds only when it finds this type.
		settings.Net = nats
	}
	opened, err := swp.NewSession(settings)
	if err != nil {
		return nil, err
	}
	opened.ConnectTimeout = time.Duration(config.ConnectMs) * time.Millisecond
	opened.ConnectAttempts = 20
	s := &session{opened, number, config.Remote, faulty, make(chan Command, 1<<16)}
	peer.Tell(Event{Event: "opened", Link: number, Port: port})
	go s.receive()
	go func() {
		for command := range s.todo {
			s.do(command)
		}
	}()
	return s, nil
}

// network also gives the UDP port on which it listens.
func network(config Config) (swp.Network, int, error) {
	switch config.Net {
	case "udp":
		return listenUDP(config.Port)
	case "nats":
		failed := func(_ *nats.Conn, _ *nats.Subscription, err error) {
			peer.Tell(Event{Event: "failed", Text: err.Error()})
		}
		settings := swp.NewNatsClientConfig("127.0.0.1", config.Port, config.Local, config.Local, true, false, failed)
		client := swp.NewNatsClient(settings)
		return swp.NewNatsNet(client), 0, client.Start()
	default:
		return nil, 0, fmt.Errorf("what is %q?", config.Net)
	}
}

func (s *session) receive() {
	for {
		select {
		case sequence := <-s.ReadMessagesCh:
			for _, packet := range sequence.Seq {
				peer.Tell(Event{
					Event: "message", Link: s.number, Seq: packet.SeqNum, Len: len(packet.Data), Sha256: peer.Sum(packet.Data),
				})
			}
		case <-s.Halt.Done.Chan:
			text := ""
			if err := s.GetErr(); err != nil {
				text = err.Error()
			}
			peer.Tell(Event{Event: "ended", Link: s.number, Text: text})
			return
		}
	}
}

func (s *session) do(command Command) {
	done := Event{Event: command.Do, Link: s.number}
	var err error
	switch command.Do {
	case "connect":
		err = s.Connect(s.remote)
	case "push":
		// Returns when there is room for the last: it may still be lost.
		for offset, len := range command.Lens {
			s.Push(&swp.Packet{
				From: s.MyInbox, Dest: s.remote, TcpEvent: swp.EventData, Data: peer.Pattern(0, command.Index+offset, len),
			})
		}
	case "write":
		// Returns when the other side has acknowledged the last.
		for offset, len := range command.Lens {
			var written int
			written, err = s.Write(peer.Pattern(0, command.Index+offset, len))
			done.Len += written
		}
	case "close":
		err = s.Close()
	case "stop":
		s.Stop()
	case "status":
		done.Status = &Status{
			Sent: s.CountPacketsSentForTransfer(), Consumed: s.CountPacketsReadConsumed(), Faults: s.faulty.count(),
		}
	default:
		err = fmt.Errorf("what is %q?", command.Do)
	}
	if err != nil {
		done = Event{Event: "failed", Link: s.number, Text: err.Error()}
	}
	peer.Tell(done)
}
