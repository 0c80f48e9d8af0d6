package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

type decoded struct {
	Kind    string  `json:"kind"`
	Channel *int    `json:"channel,omitempty"`
	EOF     *int    `json:"eof,omitempty"`
	Data    *string `json:"data_hex,omitempty"`
	Len     *int    `json:"len,omitempty"`
	Sha256  string  `json:"sha256,omitempty"`
}

type decodeRow struct {
	N        int       `json:"n"`
	Name     string    `json:"name"`
	Group    string    `json:"group"`
	Hex      string    `json:"hex"`
	Limit    int       `json:"limit"`
	Verdict  string    `json:"verdict"`
	Packets  []decoded `json:"packets"`
	Consumed int       `json:"consumed"`
	Error    string    `json:"error,omitempty"`
}

// A reader that knows whether more bytes were asked for than it has.
type source struct {
	*bytes.Reader
	ranOut bool
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.ranOut = s.ranOut || err == io.EOF
	return n, err
}

// What a receiver with this limit makes of these bytes: packets until they are used up, or one of them is refused.
func run(wire []byte, limit int) (row decodeRow) {
	row = decodeRow{Hex: hex.EncodeToString(wire), Limit: limit, Verdict: "ok", Packets: []decoded{}}
	input := &source{Reader: bytes.NewReader(wire)}
	for input.Len() > 0 {
		var packet Packet
		n, err := read(input, &packet, limit)
		if input.ranOut {
			row.Verdict = "incomplete"
			return
		}
		if err != nil {
			row.Verdict, row.Error = "error:"+class(err.Error()), core(err.Error())
			return
		}
		row.Packets = append(row.Packets, describe(packet))
		row.Consumed += int(n)
	}
	return
}

func read(input io.Reader, packet *Packet, limit int) (n int64, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("panic: %v", fault)
		}
	}()
	return cdc.UnmarshalBinaryLengthPrefixedReader(input, packet, int64(limit))
}

func describe(packet Packet) decoded {
	switch packet := packet.(type) {
	case PacketPing:
		return decoded{Kind: "ping"}
	case PacketPong:
		return decoded{Kind: "pong"}
	case PacketMsg:
		channel, eof, length := int(packet.ChannelID), int(packet.EOF), len(packet.Bytes)
		row := decoded{Kind: "msg", Channel: &channel, EOF: &eof}
		if length <= 64 {
			text := hex.EncodeToString(packet.Bytes)
			row.Data = &text
		} else {
			sum := sha256.Sum256(packet.Bytes)
			row.Len, row.Sha256 = &length, hex.EncodeToString(sum[:])
		}
		return row
	}
	panic("no packet")
}

// core drops what go-amino puts around the fault: the type, and the bytes in hex.
func core(text string) string {
	if _, rest, found := strings.Cut(text, " bytes ("); found {
		text = rest[:strings.LastIndex(rest, "): ")]
	}
	text, _, _ = strings.Cut(text, "\n")
	return text
}

func class(text string) string {
	for _, known := range [][2]string{
		{"panic: ", "panic"},
		{"Read overflow", "over_limit"},
		{"EOF while reading prefix bytes", "short_type"},
		{"EOF while reading disamb bytes", "short_type"},
		{"unrecognized", "unknown_type"},
		{"have already seen fnum", "field_order"},
		{"invalid field num", "field_number"},
		{"expected field type", "wrong_type"},
		{"invalid typ3", "illegal_type"},
		{"EOF decoding uint8", "byte_overflow"},
		{"EOF decoding uvarint", "varint_overflow"},
		{"EOF decoding varint", "varint_overflow"},
		{"invalid negative length", "negative_length"},
		{"buffer too small", "truncated"},
		{"insufficient bytes", "truncated"},
		{"EOF decoding int", "truncated"},
	} {
		if strings.Contains(text, known[0]) {
			return known[1]
		}
	}
	panic("no class for: " + text)
}
