package main

import (
	"math/rand"
	"net"
	"sync"

	swp "github.com/glycerine/go-sliding-window"
)

// Faults are probabilities in percent: what becomes of a packet that is sent.
type Faults struct {
	Lose    int   `json:"lose"`
	Double  int   `json:"double"`
	Reorder int   `json:"reorder"`
	Seed    int64 `json:"seed"`
}

// Counts are packets.
type Counts struct {
	Sent      int `json:"sent"`
	Lost      int `json:"lost"`
	Doubled   int `json:"doubled"`
	Reordered int `json:"reordered"`
}

// faulty is a network in between. What it holds back goes behind the next packet.
type faulty struct {
	swp.Network
	mutex    sync.Mutex
	faults   Faults
	random   *rand.Rand
	heldBack *swp.Packet
	counts   Counts
}

func newRandom(seed int64) *rand.Rand { return rand.New(rand.NewSource(seed)) }

func (f *faulty) Send(packet *swp.Packet, why string) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.counts.Sent++
	below := f.heldBack
	f.heldBack = nil
	switch chance := f.random.Intn(100); {
	case chance < f.faults.Lose:
		f.counts.Lost++
		packet = nil
	case chance < f.faults.Lose+f.faults.Double:
		f.counts.Doubled++
		below = packet
	case chance < f.faults.Lose+f.faults.Double+f.faults.Reorder && below == nil:
		f.counts.Reordered++
		// The sender may change it before it leaves.
		held := *packet
		f.heldBack, packet = &held, nil
	}
	for _, each := range []*swp.Packet{packet, below} {
		if each != nil {
			if err := f.Network.Send(each, why); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *faulty) count() Counts {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.counts
}

// udp carries each packet in a datagram.
type udp struct {
	socket *net.UDPConn
	mutex  sync.Mutex
	remote *net.UDPAddr
}

func listenUDP(remote int) (*udp, int, error) {
	localhost := net.IPv4(127, 0, 0, 1)
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: localhost})
	if err != nil {
		return nil, 0, err
	}
	u := &udp{socket: socket}
	if remote != 0 {
		u.remote = &net.UDPAddr{IP: localhost, Port: remote}
	}
	return u, socket.LocalAddr().(*net.UDPAddr).Port, nil
}

// Send drops what goes to nobody: it may be lost anyway.
func (u *udp) Send(packet *swp.Packet, _ string) error {
	bytes, err := packet.MarshalMsg(nil)
	if err != nil {
		return err
	}
	u.mutex.Lock()
	remote := u.remote
	u.mutex.Unlock()
	if remote != nil {
		// A socket that nobody listens to is an error, and may be listened to later.
		_, _ = u.socket.WriteToUDP(bytes, remote)
	}
	return nil
}

func (u *udp) Listen(string) (chan *swp.Packet, error) {
	packets := make(chan *swp.Packet)
	go func() {
		datagram := make([]byte, 1<<16)
		for {
			length, from, err := u.socket.ReadFromUDP(datagram)
			if err != nil {
				return
			}
			packet := &swp.Packet{}
			// What is no packet is lost.
			if _, err := packet.UnmarshalMsg(datagram[:length]); err != nil {
				continue
			}
			u.mutex.Lock()
			u.remote = from
			u.mutex.Unlock()
			packets <- packet
		}
	}()
	return packets, nil
}

func (u *udp) Flush() {}
