//! The reproduction of go-sliding-window against what the original wrote, read and calculated
//! (`tests/vectors/sliding_window/`).

#[path = "../support/mod.rs"]
mod support;

mod files;
mod names;
mod numbers;
mod packets;
mod rings;
mod states;
mod traces;

use mconn::sliding_window::legacy::{Packet, TcpEvent, Timestamp};
use serde_json::Value;

/// The rows of a file of golden data, which are so many.
fn rows(name: &str, count: usize) -> Vec<Value> {
    let rows = support::vectors(&format!("sliding_window/{name}"));
    assert_eq!(rows.len(), count, "{name}");
    rows
}

fn integer(row: &Value, key: &str) -> i64 {
    row[key].as_i64().unwrap_or_else(|| panic!("no number {key} in {row}"))
}

fn time(row: &Value, key: &str) -> Timestamp {
    let moment = &row[key];
    Timestamp::new(integer(moment, "sec"), i32::try_from(integer(moment, "nsec")).unwrap())
}

/// Bytes i modulo 251: the pattern of the data.
fn pattern(length: usize) -> Vec<u8> {
    (0..251).cycle().take(length).collect()
}

/// Data that a row writes out or describes.
fn data(row: &Value) -> Vec<u8> {
    let length = support::number(row, "len");
    let data = match row["hex"].as_str() {
        Some(hex) => hex::decode(hex).unwrap(),
        None => pattern(length),
    };
    assert_eq!(data.len(), length);
    data
}

/// The packet that `fields` describe. The traces leave the checksum out.
fn packet(fields: &Value) -> Packet<Vec<u8>> {
    let text = |key| support::text(fields, key).as_bytes().to_vec();
    let data = data(&fields["Data"]);
    let checksum = match fields["Blake2bChecksum"].as_str() {
        Some(hex) => hex::decode(hex).unwrap(),
        None if data.is_empty() => Vec::new(),
        None => vec![0; 64],
    };
    Packet {
        from: text("From"),
        dest: text("Dest"),
        from_nonce: text("FromSessNonce"),
        dest_nonce: text("DestSessNonce"),
        arrived_at: time(fields, "ArrivedAtDestTm"),
        data_sent_at: time(fields, "DataSendTm"),
        sequence: integer(fields, "SeqNum"),
        sequence_retry: integer(fields, "SeqRetry"),
        ack: integer(fields, "AckNum"),
        ack_retry: integer(fields, "AckRetry"),
        ack_replied_at: time(fields, "AckReplyTm"),
        event: TcpEvent::from(integer(fields, "TcpEvent")),
        available_bytes: integer(fields, "AvailReaderBytesCap"),
        available_messages: integer(fields, "AvailReaderMsgCap"),
        rtt_estimate: integer(fields, "FromRttEstNsec"),
        rtt_deviation: integer(fields, "FromRttSdNsec"),
        rtt_samples: integer(fields, "FromRttN"),
        cumulative_bytes: integer(fields, "CumulBytesTransmitted"),
        data,
        data_offset: integer(fields, "DataOffset"),
        checksum,
    }
}

/// The parts of an encoding that a row writes out: all of it, or its ends and its checksum.
fn check_encoding(row: &Value, wire: &[u8]) {
    assert_eq!(wire.len(), support::number(row, "len"), "{row}");
    let mut checked = false;
    for (key, value) in row.as_object().unwrap() {
        if key == "hex" || key.starts_with("hex_head") || key.starts_with("hex_tail") {
            let part = hex::decode(value.as_str().unwrap()).unwrap();
            let place = if key.starts_with("hex_tail") { wire.len() - part.len()..wire.len() } else { 0..part.len() };
            assert_eq!(wire[place], part, "{key}");
            assert!(key != "hex" || part.len() == wire.len());
            checked = true;
        }
    }
    assert!(checked, "{row}");
    #[cfg(feature = "legacy")]
    if row["blake2b512_of_encoding"].is_string() {
        let checksum = mconn::sliding_window::legacy::checksum(wire);
        assert_eq!(checksum[..], support::bytes(row, "blake2b512_of_encoding"));
    }
}
