// Writes the golden vectors of the Amino wire by running go-amino v0.14.1, the version of Tendermint v0.26 to v0.33.
//
//	go run . ../..
package main

import (
	"encoding/hex"
	"encoding/json"
	"log"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run . <directory of the vectors>")
	}
	write("amino_decode_cases.jsonl", decodeRows())
	write("amino_encode_cases.jsonl", encodeRows())
	write("amino_max_packet_size.jsonl", limitRows())
}

func write[T any](name string, rows []T) {
	file, err := os.Create(filepath.Join(os.Args[1], name))
	check(err)
	encoder := json.NewEncoder(file)
	encoder.SetEscapeHTML(false)
	for _, row := range rows {
		check(encoder.Encode(row))
	}
	check(file.Close())
	log.Printf("%s: %d rows", name, len(rows))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func unhex(text string) []byte {
	bytes, err := hex.DecodeString(text)
	check(err)
	return bytes
}
