// Two sessions of go-sliding-window over its simulated network, which loses nothing: what a message costs in CPU time.
//
// Reads lines "SIZE MESSAGES" and answers each with the nanoseconds of CPU time that both ends took together.
package main

import (
	"bufio"
	"fmt"
	"os"
	"syscall"
	"time"

	swp "github.com/glycerine/go-sliding-window"
)

const window = 1024

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var size, messages int
		_, err := fmt.Sscanf(lines.Text(), "%d %d", &size, &messages)
		check(err)
		fmt.Println(run(size, messages))
	}
}

func run(size, messages int) int64 {
	net := swp.NewSimNet(0, 0)
	from, to := open(net, "A", "B"), open(net, "B", "A")
	defer from.Stop()
	defer to.Stop()
	done := make(chan struct{})
	go func() {
		received := 0
		for received < messages {
			sequence := <-to.ReadMessagesCh
			received += len(sequence.Seq)
		}
		close(done)
	}()
	message := make([]byte, size)
	before := cpuTime()
	for i := 0; i < messages; i++ {
		from.Push(&swp.Packet{From: "A", Dest: "B", TcpEvent: swp.EventData, Data: message})
	}
	<-done
	return cpuTime() - before
}

func open(net swp.Network, local, remote string) *swp.Session {
	session, err := swp.NewSession(swp.SessionConfig{
		Net: net, LocalInbox: local, DestInbox: remote, WindowMsgCount: window, WindowByteSz: -1,
		Timeout: 100 * time.Millisecond, Clk: swp.RealClk, NumFailedKeepAlivesBeforeClosing: -1,
	})
	check(err)
	return session
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
