package main

import "fmt"

const maxField = 1<<29 - 1

func tag(field uint64, wireType uint64) string { return fmt.Sprintf("%x", padded1(field<<3|wireType)) }

func padded1(value uint64) []byte {
	width := 1
	for rest := value >> 7; rest > 0; rest >>= 7 {
		width++
	}
	return padded(value, width)
}

// A value that each wire type can be followed by, so that only the tag is at fault.
var values = map[uint64]string{0: "01", 1: "0102030405060708", 2: "0161", 3: "", 4: "", 5: "01020304", 6: "01", 7: "01"}

func fields(t *table) {
	const g = "field"
	parts := map[string]string{"1": "0820", "2": "1001", "3": "1a0120", "4": "2001", "5": "2a00"}
	orders := []string{"", "1", "2", "3", "12", "13", "23", "123", "132", "213", "231", "312", "321", "21", "31", "32", "11", "22", "33", "112",
		"122", "1223", "1233", "121", "1231", "1232", "12312", "4", "14", "124", "1234", "12345", "1235", "1243", "4123", "143", "412", "34", "343",
		"44", "12344", "54", "45", "55", "1254", "53"}
	for _, order := range orders {
		text := msg
		for _, field := range order {
			text += parts[string(field)]
		}
		t.body(g, "fields in the order "+order, text)
	}
	for field := uint64(0); field <= 5; field++ {
		for wireType := uint64(0); wireType <= 7; wireType++ {
			name := fmt.Sprintf("field %d with wire type %d", field, wireType)
			t.body(g, name, msg+tag(field, wireType)+values[wireType])
			t.body(g, name+" after a whole message", msg+"0820 1001 1a0120"+tag(field, wireType)+values[wireType])
			t.body(g, name+" in a ping", ping+tag(field, wireType)+values[wireType])
		}
	}
	for wireType := uint64(0); wireType <= 7; wireType++ {
		name := fmt.Sprintf("field 4 with wire type %d", wireType)
		t.body(g, name+", without a value", msg+"0820"+tag(4, wireType))
		if value := values[wireType]; len(value) > 2 {
			t.body(g, name+", its value one byte short", msg+"0820"+tag(4, wireType)+value[:len(value)-2])
		}
		t.body(g, name+", a pong", pong+tag(4, wireType)+values[wireType])
		t.body(g, name+", a pong, repeated", pong+tag(4, wireType)+values[wireType]+tag(4, wireType)+values[wireType])
	}
	t.body(g, "a group with its end", msg+"23 0801 24")
	t.body(g, "an empty group in a ping", ping+"0b0c")
	t.body(g, "ping with fields 1 and 2", ping+"0801 1001")
	t.body(g, "ping with fields 2 and 1", ping+"1001 0801")
	t.body(g, "ping with field 1 twice", ping+"0801 0801")
	t.body(g, "ping with a message inside", ping+"0820 1001 1a0120")
	t.body(g, "pong with a zero byte", pong+"00")
	t.body(g, "message with a zero byte", msg+"00")
	t.body(g, "message with a zero byte at the end", msg+"0820 1001 1a0120 00")
	t.body(g, "message inside a message", msg+"1a0b"+msg+"0820 1001 1a0120")
	for _, field := range []uint64{6, 15, 16, 100, 1 << 11, maxField - 1, maxField, maxField + 1, 1 << 32, 1<<32 + 1, 1 << 60, 1<<61 - 1} {
		name := fmt.Sprintf("field %d", field)
		t.body(g, name+" alone", msg+tag(field, 0)+"01")
		t.body(g, name+" after a whole message", msg+"0820 1001 1a0120"+tag(field, 0)+"01")
		t.body(g, name+" in a ping", ping+tag(field, 0)+"01")
		t.body(g, name+" and after it a smaller one", msg+"0820"+tag(field, 0)+"01"+tag(field-1, 0)+"01")
	}
	t.body(g, "channel 0 written", msg+"0800")
	t.body(g, "end 0 written", msg+"1000")
	t.body(g, "no payload written", msg+"1a00")
	t.body(g, "all defaults written", msg+"0800 1000 1a00")
	t.body(g, "channel, its default, end", msg+"0800 1001")
	t.body(g, "only an empty payload", msg+"0820 1001 1a00")
	t.body(g, "unknown field with an empty value", msg+"0820 1001 2200")
	t.body(g, "unknown field with a zero", msg+"0820 1001 2000")
}

func numbers(t *table) {
	const g = "number"
	channels := []uint64{0, 1, 2, 127, 128, 254, 255, 256, 257, 300, 384, 511, 512, 1<<16 + 1, 1<<31 + 1, 1<<32 + 1, 1 << 62, 1 << 63, 1<<64 - 1}
	for _, value := range channels {
		t.body(g, fmt.Sprintf("channel %d", value), msg+"08"+fmt.Sprintf("%x", padded1(value))+"1001 1a0161")
		t.body(g, fmt.Sprintf("eof %d", value), msg+"0820 10"+fmt.Sprintf("%x", padded1(value))+"1a0161")
		t.body(g, fmt.Sprintf("eof %d alone", value), msg+"10"+fmt.Sprintf("%x", padded1(value)))
		t.body(g, fmt.Sprintf("unknown field with %d", value), msg+"0820 20"+fmt.Sprintf("%x", padded1(value)))
	}
	for eof := uint64(3); eof < 256; eof += 36 {
		t.body(g, fmt.Sprintf("eof %d", eof), msg+"0820 10"+fmt.Sprintf("%x", padded1(eof))+"1a0161")
	}
	for width := 2; width <= 12; width++ {
		in := fmt.Sprintf(" in %d bytes", width)
		t.body(g, "channel 5"+in, msg+"08"+padHex(5, width)+"1001 1a0161")
		t.body(g, "channel 0"+in, msg+"08"+padHex(0, width)+"1001")
		t.body(g, "channel 200"+in, msg+"08"+padHex(200, width))
		t.body(g, "eof 1"+in, msg+"10"+padHex(1, width)+"1a0161")
		t.body(g, "eof 0"+in, msg+"0820 10"+padHex(0, width))
		t.body(g, "payload length 1"+in, msg+"0820 1a"+padHex(1, width)+"61")
		t.body(g, "payload length 0"+in, msg+"0820 1a"+padHex(0, width))
		t.body(g, "tag of the channel"+in, msg+padHex(8, width)+"20 1001")
		t.body(g, "tag of the end"+in, msg+"0820"+padHex(16, width)+"01 1a0161")
		t.body(g, "tag of the payload"+in, msg+"0820 1001"+padHex(26, width)+"0161")
		t.body(g, "tag of an unknown field"+in, msg+"0820"+padHex(32, width)+"01")
		t.body(g, "tag of field 1 in a ping"+in, ping+padHex(8, width)+"01")
		t.body(g, "unknown number"+in, msg+"0820 20"+padHex(1, width))
		t.body(g, "unknown length"+in, msg+"0820 22"+padHex(1, width)+"61")
		t.body(g, "channel cut"+in, msg+"08"+padHex(1<<63, width)[:2*width-2])
	}
	for _, last := range []string{"01", "02", "04", "7f", "80"} {
		nine := "8080808080808080" + "80"
		t.body(g, "channel of ten bytes, the tenth "+last, msg+"08"+nine+last)
		t.body(g, "eof of ten bytes, low bits 1, the tenth "+last, msg+"10"+"81"+nine[2:]+last)
		t.body(g, "payload length of ten bytes, the tenth "+last, msg+"1a"+nine+last)
		t.body(g, "tag of ten bytes, low bits 8, the tenth "+last, msg+"88"+nine[2:]+last+"05")
		t.body(g, "unknown number of ten bytes, the tenth "+last, msg+"20"+nine+last)
	}
}

func data(t *table) {
	const g = "data"
	for _, length := range []uint64{0, 1, 2, 3, 4, 5, 6, 127, 128, 1 << 14, 1 << 31, 1 << 32, 1<<62 - 1, 1<<63 - 1, 1 << 63, 1<<64 - 3, 1<<64 - 1} {
		name := fmt.Sprintf("payload length %d", length)
		t.body(g, name+", three bytes there", msg+"0820 1001 1a"+fmt.Sprintf("%x", padded1(length))+"616263")
		t.body(g, name+", nothing there", msg+"0820 1001 1a"+fmt.Sprintf("%x", padded1(length)))
		t.body(g, "unknown field of length "+fmt.Sprint(length), msg+"0820 22"+fmt.Sprintf("%x", padded1(length))+"616263")
		t.body(g, "ping with a field of length "+fmt.Sprint(length), ping+"0a"+fmt.Sprintf("%x", padded1(length))+"616263")
	}
	t.body(g, "payload shorter than meant, the rest is a field", msg+"0820 1001 1a01 61 2001")
	t.body(g, "payload shorter than meant, the rest is a known field", msg+"0820 1a01 61 1001")
	t.body(g, "payload longer than meant swallows a field", msg+"0820 1001 1a03 61 2001")
	t.body(g, "tag of the payload and nothing", msg+"0820 1001 1a")
	t.body(g, "tag of the channel and nothing", msg+"08")
	t.body(g, "tag of the end and nothing", msg+"0820 10")
	t.body(g, "half a channel", msg+"0880")
	t.body(g, "half an end", msg+"0820 1081")
	t.body(g, "half a tag", msg+"0820 88")
	t.body(g, "half a tag, ping", ping+"88")
	t.body(g, "half a payload length", msg+"0820 1a80")
	for length := 120; length <= 130; length += 2 {
		wire := message(1, 1, pattern(1, length))
		t.add(g, fmt.Sprintf("%d bytes of payload", length), wire, defaultLimit)
		t.add(g, fmt.Sprintf("%d bytes of payload, the last missing", length), wire[:len(wire)-1], defaultLimit)
	}
}

// Messages without bytes, in each combination.
func empties(t *table) {
	for _, channel := range []byte{0, 1, 127, 128, 255} {
		for _, eof := range []byte{0, 1, 2, 255} {
			t.add("empty", fmt.Sprintf("channel %d, eof %d, no payload", channel, eof), message(channel, eof, nil), defaultLimit)
			t.add("empty", fmt.Sprintf("channel %d, eof %d, one byte", channel, eof), message(channel, eof, []byte{channel}), defaultLimit)
		}
	}
}
