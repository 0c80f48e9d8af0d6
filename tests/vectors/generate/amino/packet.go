package main

import (
	amino "github.com/tendermint/go-amino"
)

// The packets as p2p/conn/connection.go @ v0.33.9 declares and registers them.

type Packet interface{ AssertIsPacket() }

type PacketPing struct{}

type PacketPong struct{}

type PacketMsg struct {
	ChannelID byte
	EOF       byte
	Bytes     []byte
}

func (PacketPing) AssertIsPacket() {}
func (PacketPong) AssertIsPacket() {}
func (PacketMsg) AssertIsPacket()  {}

var cdc = amino.NewCodec()

func init() {
	cdc.RegisterInterface((*Packet)(nil), nil)
	cdc.RegisterConcrete(PacketPing{}, "tendermint/p2p/PacketPing", nil)
	cdc.RegisterConcrete(PacketPong{}, "tendermint/p2p/PacketPong", nil)
	cdc.RegisterConcrete(PacketMsg{}, "tendermint/p2p/PacketMsg", nil)
}

// MConnection.maxPacketMsgSize @ v0.33.9 (the same since v0.22.0).
func maxPacketMsgSize(payload int) int {
	return len(cdc.MustMarshalBinaryLengthPrefixed(PacketMsg{ChannelID: 1, EOF: 1, Bytes: make([]byte, payload)})) + 10
}

func encode(packet Packet) []byte { return cdc.MustMarshalBinaryLengthPrefixed(packet) }

func message(channel, eof byte, payload []byte) []byte {
	return encode(PacketMsg{ChannelID: channel, EOF: eof, Bytes: payload})
}

// pattern is the payload of the encode cases.
func pattern(channel byte, length int) []byte {
	bytes := make([]byte, length)
	for i := range bytes {
		bytes[i] = channel + byte(31*i)
	}
	return bytes
}
