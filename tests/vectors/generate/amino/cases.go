package main

import (
	"encoding/binary"
	"fmt"
	"strings"

	amino "github.com/tendermint/go-amino"
)

const (
	defaultLimit = 1047
	ping         = "15c3d289"
	pong         = "8a797fe2"
	msg          = "b05b4f2c"
)

type table struct {
	rows []decodeRow
	seen map[string]bool
}

func (t *table) add(group, name string, wire []byte, limit int) {
	key := fmt.Sprint(limit, string(wire))
	if t.seen[key] {
		return
	}
	t.seen[key] = true
	row := run(wire, limit)
	row.N, row.Group, row.Name = len(t.rows), group, name
	t.rows = append(t.rows, row)
}

// raw adds bytes as they are; spaces are for the reader.
func (t *table) raw(group, name, text string) {
	t.add(group, name, unhex(strings.ReplaceAll(text, " ", "")), defaultLimit)
}

// body adds what stands behind a correct length prefix.
func (t *table) body(group, name, text string) {
	t.add(group, name, frame(unhex(strings.ReplaceAll(text, " ", ""))), defaultLimit)
}

func frame(body []byte) []byte { return append(binary.AppendUvarint(nil, uint64(len(body))), body...) }

// padded is a varint of exactly width bytes.
func padded(value uint64, width int) (bytes []byte) {
	for i := 1; i < width; i++ {
		bytes = append(bytes, byte(value)|0x80)
		value >>= 7
	}
	return append(bytes, byte(value))
}

// longType is a registered name's prefix with the disambiguation bytes before it.
func longType(name string) string {
	disamb, prefix := amino.NameToDisfix(name)
	return fmt.Sprintf("00%x%x", disamb, prefix)
}

func padHex(value uint64, width int) string { return fmt.Sprintf("%x", padded(value, width)) }

func decodeRows() []decodeRow {
	t := &table{seen: map[string]bool{}}
	framing(t)
	limits(t)
	types(t)
	fields(t)
	numbers(t)
	data(t)
	empties(t)
	mutations(t)
	return t.rows
}

func framing(t *table) {
	const g = "framing"
	t.raw(g, "nothing at all", "")
	t.raw(g, "ping", "04"+ping)
	t.raw(g, "pong", "04"+pong)
	t.raw(g, "two pings", "04"+ping+"04"+ping)
	t.raw(g, "pong, message, ping", "04"+pong+"0b"+msg+"0820 1001 1a0120"+"04"+ping)
	t.raw(g, "ping, then a byte of the next", "04"+ping+"0b")
	t.raw(g, "ping, then a zero byte", "04"+ping+"00")
	t.raw(g, "ping, then an unknown packet", "04"+ping+"04deadbeef")
	t.raw(g, "ping with one byte inside after it", "05"+ping+"00")
	t.raw(g, "length one less than the ping", "03"+ping)
	t.raw(g, "length one more than the ping", "05"+ping)
	t.raw(g, "length one more, the next packet follows", "05"+ping+"04"+ping)
	for width := 1; width <= 10; width++ {
		t.raw(g, fmt.Sprintf("ping, length in %d bytes", width), padHex(4, width)+ping)
		t.raw(g, fmt.Sprintf("zero length in %d bytes", width), padHex(0, width))
		t.raw(g, fmt.Sprintf("%d bytes that do not end a length", width), strings.Repeat("80", width))
		t.raw(g, fmt.Sprintf("%d bytes ff", width), strings.Repeat("ff", width))
	}
	t.raw(g, "zero length, then a ping", "0004"+ping)
	t.raw(g, "11 bytes that do not end a length", strings.Repeat("80", 11))
	for _, last := range []string{"01", "02", "03", "7f", "81", "ff"} {
		t.raw(g, "length of ten bytes, low bits 4, the tenth "+last, "84"+strings.Repeat("80", 8)+last+ping)
		t.raw(g, "length of ten bytes, low bits 0, the tenth "+last, strings.Repeat("80", 9)+last)
	}
	for length := 1; length <= 5; length++ {
		t.raw(g, fmt.Sprintf("length %d, no body", length), fmt.Sprintf("%02x", length))
	}
	whole := message(0x20, 1, []byte("hello"))
	for cut := 1; cut < len(whole); cut++ {
		t.add(g, fmt.Sprintf("message cut after %d bytes", cut), whole[:cut], defaultLimit)
	}
	for cut := 1; cut < 5; cut++ {
		t.add(g, fmt.Sprintf("ping cut after %d bytes", cut), encode(PacketPing{})[:cut], defaultLimit)
	}
}

func limits(t *table) {
	const g = "limit"
	whole := message(0x20, 1, []byte("hello"))
	for limit := 1; limit <= len(whole)+2; limit++ {
		t.add(g, fmt.Sprintf("16 byte message, limit %d", limit), whole, limit)
		t.add(g, fmt.Sprintf("its length alone, limit %d", limit), whole[:1], limit)
	}
	for _, width := range []int{2, 3, 9, 10} {
		wire := append(padded(15, width), whole[1:]...)
		for limit := len(wire) - 2; limit <= len(wire)+1; limit++ {
			t.add(g, fmt.Sprintf("16 byte message, length in %d bytes, limit %d", width, limit), wire, limit)
		}
		t.add(g, fmt.Sprintf("length in %d bytes, limit 15", width), padded(15, width), 15)
	}
	for _, limit := range []int{1, 2, 3, 4, 5, 6} {
		t.add(g, fmt.Sprintf("ping, limit %d", limit), encode(PacketPing{}), limit)
		t.add(g, fmt.Sprintf("ping, length in 2 bytes, limit %d", limit), append(padded(4, 2), unhex(ping)...), limit)
		t.add(g, fmt.Sprintf("zero length in 3 bytes, limit %d", limit), padded(0, 3), limit)
		t.add(g, fmt.Sprintf("open length of 3 bytes, limit %d", limit), unhex("808080"), limit)
		t.add(g, fmt.Sprintf("open length of 10 bytes, limit %d", limit), unhex(strings.Repeat("80", 10)), limit)
	}
	for _, limit := range []int{9, 10, 11, 12} {
		t.add(g, fmt.Sprintf("open length of 10 bytes, limit %d", limit), unhex(strings.Repeat("80", 10)), limit)
		t.add(g, fmt.Sprintf("overflowing length of 10 bytes, limit %d", limit), unhex(strings.Repeat("80", 9)+"02"), limit)
		t.add(g, fmt.Sprintf("zero length in 10 bytes, limit %d", limit), padded(0, 10), limit)
	}
	for _, length := range []uint64{1040, 1044, 1045, 1046, 1047, 1048, 1 << 14, 1 << 31, 1<<32 + 4, 1<<63 - 1, 1 << 63, 1<<64 - 2, 1<<64 - 1} {
		t.add(g, fmt.Sprintf("length %d alone", length), binary.AppendUvarint(nil, length), defaultLimit)
		t.add(g, fmt.Sprintf("length %d, no limit to speak of", length), binary.AppendUvarint(nil, length), 1<<62)
	}
	for _, channel := range []byte{0, 1, 0x80} {
		for _, eof := range []byte{0, 1} {
			overhead := len(message(channel, eof, make([]byte, 1024))) - 1024
			for _, size := range []int{1024, defaultLimit - overhead, defaultLimit - overhead + 1} {
				name := fmt.Sprintf("channel %d, eof %d, %d bytes", channel, eof, size)
				t.add(g, name, message(channel, eof, pattern(channel, size)), defaultLimit)
			}
		}
	}
}

func types(t *table) {
	const g = "type"
	for _, name := range []string{"PacketPing", "PacketPong", "PacketMsg"} {
		long := longType("tendermint/p2p/" + name)
		t.body(g, name+" with its disambiguation bytes", long)
		for cut := 2; cut < len(long); cut += 2 {
			t.body(g, fmt.Sprintf("%s with its disambiguation bytes, cut after %d bytes", name, cut/2), long[:cut])
		}
		for i := 0; i < 8; i++ {
			wrong := unhex(long)
			wrong[i] ^= 1
			t.add(g, fmt.Sprintf("%s with its disambiguation bytes, byte %d wrong", name, i), frame(wrong), defaultLimit)
		}
	}
	longMsg := longType("tendermint/p2p/PacketMsg")
	t.body(g, "long type and a message", longMsg+"0820 1001 1a0120")
	t.body(g, "long type and a message without fields", longMsg+"1a00")
	t.body(g, "long type of ping and a byte", longType("tendermint/p2p/PacketPing")+"00")
	t.body(g, "the ping's disambiguation bytes, the message's prefix", longType("tendermint/p2p/PacketPing")[:8]+msg)
	t.body(g, "long type of a public key", longType("tendermint/PubKeyEd25519")+"20")
	for _, prefix := range []string{ping, pong, msg} {
		for cut := 2; cut < 8; cut += 2 {
			t.body(g, fmt.Sprintf("%s cut after %d bytes", prefix, cut/2), prefix[:cut])
		}
		for i := 0; i < 4; i++ {
			for _, change := range []byte{0x01, 0x80, 0xff} {
				wrong := unhex(prefix)
				wrong[i] ^= change
				t.add(g, fmt.Sprintf("%s with byte %d changed by %02x", prefix, i, change), frame(wrong), defaultLimit)
			}
		}
	}
	for _, text := range []string{"00", "0000", "000000", "00000000", "0000000000000000", "01020304", "ffffffff", "1624de64", "0a00", "12001a00",
		"1a0308011001", "89d2c315", "2c4f5bb0"} {
		t.body(g, "no packet: "+text, text)
	}
}
