package main

import "fmt"

var replacements = []byte{0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x07, 0x08, 0x09, 0x0a, 0x10, 0x12, 0x18, 0x1a, 0x20, 0x2a, 0x7f, 0x80, 0x81, 0xff}

var insertions = []byte{0x00, 0x01, 0x08, 0x10, 0x1a, 0x80, 0xff}

// Every change of one byte of a few packets; those that change the length are tried with the old prefix and with the right one.
func mutations(t *table) {
	bases := []struct {
		name string
		wire []byte
	}{
		{"ping", encode(PacketPing{})},
		{"pong", encode(PacketPong{})},
		{"abc", message(0x20, 1, []byte("abc"))},
		{"wide channel", message(0x80, 0, []byte("x"))},
		{"end alone", message(0, 1, nil)},
		{"long type", frame(unhex(longType("tendermint/p2p/PacketMsg") + "080110011a0161"))},
		{"unknown field", frame(unhex(msg + "0805" + "1001" + "2203616263"))},
		{"long prefix", message(0x01, 0, pattern(1, 128))},
	}
	for _, base := range bases {
		for i := range base.wire {
			// Of the long payload nothing is to be learned.
			if i < 11 || len(base.wire) < 100 {
				mutateAt(t, base.name, base.wire, i)
			}
		}
	}
}

func mutateAt(t *table, name string, wire []byte, i int) {
	const g = "mutation"
	prefix := 1
	if wire[0] >= 0x80 {
		prefix = 2
	}
	tried := replacements
	if name != "abc" && i >= prefix && i < prefix+4 {
		tried = []byte{0x00, 0x01, 0xff} // One wrong type is like another.
	}
	for _, value := range tried {
		changed := append([]byte{}, wire...)
		changed[i] = value
		t.add(g, fmt.Sprintf("%s, byte %d is %02x", name, i, value), changed, defaultLimit)
	}
	for _, value := range insertions {
		changed := append(append(append([]byte{}, wire[:i]...), value), wire[i:]...)
		t.add(g, fmt.Sprintf("%s, %02x before byte %d", name, value, i), changed, defaultLimit)
		if i >= prefix {
			t.add(g, fmt.Sprintf("%s, %02x before byte %d, length set right", name, value, i), frame(changed[prefix:]), defaultLimit)
		}
	}
	changed := append(append([]byte{}, wire[:i]...), wire[i+1:]...)
	t.add(g, fmt.Sprintf("%s without byte %d", name, i), changed, defaultLimit)
	t.add(g, fmt.Sprintf("%s cut before byte %d", name, i), wire[:i], defaultLimit)
	if i >= prefix {
		t.add(g, fmt.Sprintf("%s without byte %d, length set right", name, i), frame(changed[prefix:]), defaultLimit)
		t.add(g, fmt.Sprintf("%s cut before byte %d, length set right", name, i), frame(wire[prefix:i]), defaultLimit)
	}
}
