package main

import (
	"fmt"
	"slices"

	"github.com/cosmos/gogoproto/types"

	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/conn"

	"mconn/interop/peer"
)

// network is a real switch over a real transport.
type network struct {
	*p2p.Switch
	transport  *p2p.MultiplexTransport
	persistent []string
}

// reactor tells what happens to it. Its messages are bytes in a BytesValue.
type reactor struct {
	p2p.BaseReactor
	channels []*conn.ChannelDescriptor
	echo     []int
	peer.Observer
}

func newSwitch(port int, settings peer.Config, observer peer.Observer) (peer.Switch, error) {
	node, channels := *settings.Node, channels(settings)
	var ids []byte
	for _, channel := range channels {
		channel.MessageType = &types.BytesValue{}
		ids = append(ids, channel.ID)
	}
	key := nodeKey(node)
	info := nodeInfo(node, fmt.Sprintf("127.0.0.1:%d", port), ids)
	transport := p2p.NewMultiplexTransport(info, key, connSettings(settings))
	address, err := p2p.NewNetAddressString(p2p.IDAddressString(key.ID(), info.ListenAddr))
	if err != nil {
		return nil, err
	}
	if err := transport.Listen(*address); err != nil {
		return nil, err
	}

	limits := config.DefaultP2PConfig()
	limits.AllowDuplicateIP = !node.Strict
	if node.MaxInbound != 0 {
		limits.MaxNumInboundPeers = node.MaxInbound
	}
	sw := p2p.NewSwitch(limits, transport)
	sw.SetLogger(logger{observer})
	only := &reactor{channels: channels, echo: node.Echo, Observer: observer}
	only.BaseReactor = *p2p.NewBaseReactor("only", only)
	sw.AddReactor("only", only)
	sw.SetNodeInfo(info)
	sw.SetNodeKey(&key)
	return network{sw, transport, node.Persistent}, sw.AddPersistentPeers(node.Persistent)
}

func (n network) ID() string { return string(n.NodeInfo().ID()) }

func (n network) Dial(address string) error {
	to, err := p2p.NewNetAddressString(address)
	if err != nil {
		return err
	}
	return n.DialPeerWithAddress(to)
}

func (n network) DialPersistent() error { return n.DialPeersAsync(n.persistent) }

func (n network) Broadcast(channel byte, payload []byte) int {
	n.Switch.Broadcast(envelope(channel, payload))
	return -1
}

func (n network) Send(id string, channel byte, payload []byte) bool {
	to := n.Switch.Peers().Get(p2p.ID(id))
	return to != nil && to.Send(envelope(channel, payload))
}

func (n network) Disconnect(id, reason string) error {
	who := n.Switch.Peers().Get(p2p.ID(id))
	if who == nil {
		return fmt.Errorf("no peer %s", id)
	}
	if reason == "" {
		n.StopPeerGracefully(who)
	} else {
		n.StopPeerForError(who, reason)
	}
	return nil
}

func (n network) Peers() (peers []peer.PeerStatus) {
	for _, each := range n.Switch.Peers().Copy() {
		peers = append(peers, status(each))
	}
	return peers
}

func (n network) Stop() {
	// The errors say that they have stopped already.
	_ = n.Switch.Stop()
	_ = n.transport.Close()
}

func (r *reactor) GetChannels() []*conn.ChannelDescriptor { return r.channels }

func (r *reactor) InitPeer(who p2p.Peer) p2p.Peer {
	r.Initialised(status(who))
	return who
}

func (r *reactor) AddPeer(who p2p.Peer) { r.Added(status(who), who.NodeInfo()) }

func (r *reactor) RemovePeer(who p2p.Peer, reason any) { r.Removed(status(who), reason) }

func (r *reactor) Receive(e p2p.Envelope) {
	payload := e.Message.(*types.BytesValue).Value
	r.Received(status(e.Src), e.ChannelID, payload)
	if slices.Contains(r.echo, int(e.ChannelID)) {
		e.Src.Send(envelope(e.ChannelID, payload))
	}
}

func envelope(channel byte, payload []byte) p2p.Envelope {
	return p2p.Envelope{ChannelID: channel, Message: &types.BytesValue{Value: payload}}
}

func status(who p2p.Peer) peer.PeerStatus {
	return peer.PeerStatus{ID: string(who.ID()), Outbound: who.IsOutbound(), Persistent: who.IsPersistent()}
}

// logger passes on what the switch says.
type logger struct{ peer.Observer }

func (l logger) Debug(string, ...any)                 {}
func (l logger) Info(message string, keyvals ...any)  { l.Logged(message, keyvals...) }
func (l logger) Error(message string, keyvals ...any) { l.Logged(message, keyvals...) }
func (l logger) With(...any) log.Logger               { return l }
