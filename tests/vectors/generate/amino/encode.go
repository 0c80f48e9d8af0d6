package main

import (
	"bytes"
	"encoding/hex"
	"log"
)

type encodeRow struct {
	Kind       string `json:"kind"`
	Channel    byte   `json:"channel"`
	EOF        bool   `json:"eof"`
	PayloadLen int    `json:"payload_len"`
	Header     string `json:"header_hex"`
	WireLen    int    `json:"wire_len"`
}

// The bytes before the payload; that the payload stands last and unchanged is checked here.
func encodeRows() (rows []encodeRow) {
	rows = append(rows, encodeRow{Kind: "ping", Header: hex.EncodeToString(encode(PacketPing{})), WireLen: 5})
	rows = append(rows, encodeRow{Kind: "pong", Header: hex.EncodeToString(encode(PacketPong{})), WireLen: 5})
	lengths := []int{0, 1, 2, 63, 64, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 126, 127, 128, 129, 255, 256, 1000,
		1023, 1024, 1025, 1400, 16366, 16370, 16371, 16372, 16373, 16374, 16375, 16376, 16377, 16383, 16384, 65536, 1 << 20}
	for _, channel := range []byte{0, 1, 0x20, 0x7f, 0x80, 0xff} {
		for _, eof := range []byte{0, 1} {
			for _, length := range lengths {
				payload := pattern(channel, length)
				wire := message(channel, eof, payload)
				if !bytes.HasSuffix(wire, payload) {
					log.Fatal("the payload does not stand last")
				}
				header := hex.EncodeToString(wire[:len(wire)-length])
				rows = append(rows, encodeRow{"msg", channel, eof == 1, length, header, len(wire)})
			}
		}
	}
	return
}

type limitRow struct {
	Payload int `json:"max_packet_msg_payload_size"`
	Limit   int `json:"max_packet_msg_size"`
}

func limitRows() (rows []limitRow) {
	for _, payload := range []int{0, 1, 2, 63, 64, 100, 115, 116, 117, 118, 119, 120, 126, 127, 128, 129, 255, 256, 512, 1000, 1023, 1024,
		1025, 1400, 4096, 8192, 16370, 16371, 16372, 16373, 16374, 16375, 16383, 16384, 16385, 65536, 1 << 20, 2097140, 2097141,
		2097142, 2097143, 2097151, 2097152} {
		rows = append(rows, limitRow{payload, maxPacketMsgSize(payload)})
	}
	return
}
