// Two ends of CometBFT's MConnection in one process: what a message costs in CPU time.
//
// Reads lines "plain|sealed SIZE MESSAGES" and answers each with the nanoseconds of CPU time that both ends took together.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p/conn"
)

const channel = byte(1)

// unlimited is a rate that is never reached.
const unlimited = int64(1) << 40

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var kind string
		var size, messages int
		_, err := fmt.Sscanf(lines.Text(), "%s %d %d", &kind, &size, &messages)
		check(err)
		fmt.Println(run(kind == "sealed", size, messages))
	}
}

func run(sealed bool, size, messages int) int64 {
	near, far := streams(sealed)
	done := make(chan struct{})
	received := 0
	failed := func(reason interface{}) { panic(reason) }
	to := open(far, func(_ byte, message []byte) {
		if len(message) != size {
			panic("a message was cut")
		}
		if received++; received == messages {
			close(done)
		}
	}, func(interface{}) {})
	from := open(near, func(byte, []byte) {}, failed)
	message := make([]byte, size)
	before := cpuTime()
	for i := 0; i < messages; i++ {
		if !from.Send(channel, message) {
			panic("Send gave up")
		}
	}
	<-done
	spent := cpuTime() - before
	// The other end has stopped already when it saw the stream end: that is no failure.
	check(from.Stop())
	_ = to.Stop()
	return spent
}

func open(stream net.Conn, receive func(byte, []byte), failed func(interface{})) *conn.MConnection {
	settings := conn.DefaultMConnConfig()
	settings.SendRate, settings.RecvRate = unlimited, unlimited
	channels := []*conn.ChannelDescriptor{{ID: channel, Priority: 1, SendQueueCapacity: 1024, RecvMessageCapacity: 4 << 20}}
	opened := conn.NewMConnectionWithConfig(stream, channels, receive, failed, settings)
	opened.SetLogger(log.NewNopLogger())
	check(opened.Start())
	return opened
}

// streams are the two ends of a TCP connection.
func streams(sealed bool) (net.Conn, net.Conn) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	defer listener.Close()
	accepted := make(chan net.Conn)
	go func() {
		stream, err := listener.Accept()
		check(err)
		accepted <- seal(sealed, stream)
	}()
	stream, err := net.Dial("tcp", listener.Addr().String())
	check(err)
	return seal(sealed, stream), <-accepted
}

func seal(sealed bool, stream net.Conn) net.Conn {
	if !sealed {
		return stream
	}
	secret, err := conn.MakeSecretConnection(stream, ed25519.GenPrivKey())
	check(err)
	return secret
}

func cpuTime() int64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
