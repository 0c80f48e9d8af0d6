//! The derivation against the data of Go.

use serde_json::Value;
use std::vec::Vec;

use super::*;

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn bytes32(value: &Value) -> [u8; 32] {
    let mut bytes = [0; 32];
    hex::decode_to_slice(value.as_str().unwrap(), &mut bytes).unwrap();
    bytes
}

#[test]
fn the_keys_of_the_frames_are_those_of_go() {
    let rows = rows(include_str!("../../../tests/vectors/secret_derive_golden.jsonl"));
    assert_eq!(rows.len(), 18);
    for row in rows {
        let keys = frame_keys(&bytes32(&row["dh_secret"]), row["local_is_least"].as_bool().unwrap()).unwrap();
        assert_eq!(*keys.receive, bytes32(&row["recv_secret"]), "{row}");
        assert_eq!(*keys.send, bytes32(&row["send_secret"]), "{row}");
    }
}

#[test]
fn every_value_of_a_handshake_of_go_comes_out() {
    for row in rows(include_str!("../../../tests/vectors/secret_handshake.jsonl")) {
        let [a, b] = ["a", "b"].map(|side| EphemeralSecret::from_random(&bytes32(&row[side]["eph_priv"])));
        assert_eq!(*a.public(), bytes32(&row["a"]["eph_pub"]));
        assert_eq!(*b.public(), bytes32(&row["b"]["eph_pub"]));
        assert_eq!(a.public() < b.public(), row["a_is_lower"].as_bool().unwrap());
        let (at_a, at_b) = (a.agree(b.public()).unwrap(), b.agree(a.public()).unwrap());
        for agreement in [&at_a, &at_b] {
            assert_eq!(*agreement.challenge, bytes32(&row["challenge"]));
        }
        assert_eq!(*at_a.keys.send, bytes32(&row["a"]["send_key"]));
        assert_eq!(*at_a.keys.receive, bytes32(&row["a"]["recv_key"]));
        assert_eq!(at_a.keys.send, at_b.keys.receive);
        assert_eq!(at_a.keys.receive, at_b.keys.send);
    }
}

#[test]
fn secrets_are_not_printed() {
    let printed = std::format!("{:?}", EphemeralSecret::from_random(&[0x11; 32]));
    assert!(!printed.contains("17, 17, 17"), "{printed}");
}
