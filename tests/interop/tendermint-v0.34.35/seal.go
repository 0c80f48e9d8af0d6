package main

import (
	"bytes"
	"fmt"
	"net"
	"time"

	"github.com/tendermint/tendermint/crypto/ed25519"
	"github.com/tendermint/tendermint/libs/protoio"
	"github.com/tendermint/tendermint/p2p"
	"github.com/tendermint/tendermint/p2p/conn"
	tmp2p "github.com/tendermint/tendermint/proto/tendermint/p2p"
	"github.com/tendermint/tendermint/version"

	"mconn/interop/peer"
)

// The timeout of each of the two steps, as in p2p/transport.go.
const handshakeTimeout = 3 * time.Second

func nodeKey(node peer.Node) p2p.NodeKey {
	return p2p.NodeKey{PrivKey: ed25519.GenPrivKeyFromSecret([]byte(node.Secret))}
}

func nodeInfo(node peer.Node, listen string, channels []byte) p2p.DefaultNodeInfo {
	key := nodeKey(node)
	return p2p.DefaultNodeInfo{
		ProtocolVersion: p2p.NewProtocolVersion(version.P2PProtocol, version.BlockProtocol, 0),
		DefaultNodeID:   key.ID(),
		ListenAddr:      listen,
		Network:         node.Network,
		Version:         version.TMCoreSemVer,
		Channels:        channels,
		Moniker:         node.Moniker,
		Other:           p2p.DefaultNodeInfoOther{TxIndex: "off"},
	}
}

// seal does the checks of MultiplexTransport.upgrade, which cannot be called, in its order.
func seal(stream net.Conn, node peer.Node, channels []byte) (net.Conn, any, error) {
	key := nodeKey(node)
	if err := stream.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return nil, nil, err
	}
	sealed, err := conn.MakeSecretConnection(stream, key.PrivKey)
	if err != nil {
		return nil, nil, fmt.Errorf("secret conn failed: %w", err)
	}
	id := p2p.PubKeyToID(sealed.RemotePubKey())
	if node.Dialled != "" && p2p.ID(node.Dialled) != id {
		return nil, nil, fmt.Errorf("conn.ID (%v) dialed ID (%v) mismatch", id, node.Dialled)
	}
	ours := nodeInfo(node, "127.0.0.1:0", channels)
	info, err := exchange(sealed, ours)
	if err != nil {
		return nil, nil, fmt.Errorf("handshake failed: %w", err)
	}
	if err := info.Validate(); err != nil {
		return nil, nil, err
	}
	if id != info.ID() {
		return nil, nil, fmt.Errorf("conn.ID (%v) NodeInfo.ID (%v) mismatch", id, info.ID())
	}
	return sealed, info, ours.CompatibleWith(info)
}

// judge does what the transport does with a NodeInfo once it is there.
func judge(encoded []byte, node peer.Node, channels []byte) error {
	var theirs tmp2p.DefaultNodeInfo
	if _, err := protoio.NewDelimitedReader(bytes.NewReader(encoded), p2p.MaxNodeInfoSize()).ReadMsg(&theirs); err != nil {
		return err
	}
	info, err := p2p.DefaultNodeInfoFromToProto(&theirs)
	if err != nil {
		return err
	}
	if err := info.Validate(); err != nil {
		return err
	}
	return nodeInfo(node, "127.0.0.1:0", channels).CompatibleWith(info)
}

// exchange is handshake of p2p/transport.go: both write and read at the same time.
func exchange(sealed net.Conn, ours p2p.DefaultNodeInfo) (info p2p.DefaultNodeInfo, err error) {
	if err = sealed.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return info, err
	}
	written := make(chan error, 1)
	go func() {
		_, err := protoio.NewDelimitedWriter(sealed).WriteMsg(ours.ToProto())
		written <- err
	}()
	var theirs tmp2p.DefaultNodeInfo
	if _, err = protoio.NewDelimitedReader(sealed, p2p.MaxNodeInfoSize()).ReadMsg(&theirs); err != nil {
		return info, err
	}
	if err = <-written; err != nil {
		return info, err
	}
	if info, err = p2p.DefaultNodeInfoFromToProto(&theirs); err != nil {
		return info, err
	}
	return info, sealed.SetDeadline(time.Time{})
}
