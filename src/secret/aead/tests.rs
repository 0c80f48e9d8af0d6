//! The cipher against the frames of Go, and the two crates against each other.

use serde_json::Value;
use std::vec::Vec;

use super::*;

/// The rows of a file of golden data.
fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    let mut bytes = std::vec![0; text.len() / 2];
    hex::decode_to_slice(text, &mut bytes).unwrap();
    bytes
}

fn key(value: &Value) -> Key {
    Key::new(bytes(value).try_into().unwrap())
}

/// A frame of Go: its key, its number, its plain bytes with whatever padding, and its sealed ones.
struct GoFrame {
    key: Key,
    number: u64,
    plain: Vec<u8>,
    sealed: Vec<u8>,
}

fn go_frames() -> Vec<GoFrame> {
    let files = [
        include_str!("../../../tests/vectors/secret_handshake.jsonl"),
        include_str!("../../../tests/vectors/secret_handshake_v0.34.35.jsonl"),
    ];
    let mut frames = Vec::new();
    for row in files.into_iter().flat_map(rows) {
        let mut add = |sender: &str, sealed: &[u8], opened: &Value| {
            // Of each row only the keys of `a` are given; those of `b` are the same, crossed.
            let key = key(&row["a"][if sender == "a" { "send_key" } else { "recv_key" }]);
            let nonce = bytes(&opened["nonce"]);
            assert_eq!(nonce[..4], [0; 4]);
            let number = u64::from_le_bytes(nonce[4..].try_into().unwrap());
            frames.push(GoFrame { key, number, plain: bytes(&opened["plain_frame_hex"]), sealed: sealed.to_vec() });
        };
        for side in ["a", "b"] {
            add(side, &bytes(&row[side]["handshake_bytes"])[35..], &row[side]["auth_frame"][0]);
        }
        for sent in row["frames"].as_array().unwrap() {
            let sealed = bytes(&sent["sealed_hex"]);
            let opened = sent["opened"].as_array().map_or(&[][..], Vec::as_slice);
            assert_eq!(sealed.len(), opened.len() * 1044);
            for (sealed, opened) in sealed.chunks(1044).zip(opened) {
                add(&sent["dir"].as_str().unwrap()[..1], sealed, opened);
            }
        }
    }
    assert_eq!(frames.len(), 60);
    frames
}

#[test]
fn frames_of_go_are_sealed_and_opened_byte_for_byte() {
    for GoFrame { key, number, plain, sealed } in go_frames() {
        let mut frame = plain.clone();
        let tag = Cipher::new(&key).seal(number, &mut frame).unwrap();
        frame.extend_from_slice(&tag);
        assert_eq!(frame, sealed);
        assert_eq!(Cipher::new(&key).open(number, &mut frame), Some(plain.as_slice()));
        assert_eq!(Cipher::new(&key).open(number + 1, &mut sealed.clone()), None);
    }
}

#[test]
fn the_pure_cipher_does_the_same_as_the_chosen_one() {
    for GoFrame { key, number, plain, .. } in go_frames().into_iter().take(5) {
        for len in [0, 1, 15, 16, 63, 64, 65, 1028] {
            let (mut ours, mut pure) = (plain[..len].to_vec(), plain[..len].to_vec());
            let tag = Cipher::new(&key).seal(number, &mut ours).unwrap();
            assert_eq!(pure::Cipher::new(&key).seal(number, &mut pure), Some(tag));
            assert_eq!(ours, pure);
            ours.extend_from_slice(&tag);
            assert_eq!(pure::Cipher::new(&key).open(number, &mut ours.clone()), Some(&plain[..len]));
            assert_eq!(pure::Cipher::new(&key).open(number, &mut ours[1..]), None);
        }
    }
}

#[test]
fn what_is_shorter_than_a_tag_is_not_opened() {
    let key = Key::default();
    for len in 0..TAG_LEN {
        assert_eq!(Cipher::new(&key).open(0, &mut std::vec![0; len]), None);
        assert_eq!(pure::Cipher::new(&key).open(0, &mut std::vec![0; len]), None);
    }
}

#[test]
fn the_nonce_is_a_counter_in_the_last_eight_bytes() {
    assert_eq!(nonce(0), [0; 12]);
    assert_eq!(nonce(0x0102), [0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(nonce(u64::MAX), [0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
}
