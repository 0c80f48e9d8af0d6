//! Sessions that two Go nodes have had: we take the part of each, byte for byte.

use mconn::secret::{ExpectedPeer, NodeKey, PublicKey, SecretConnection};
use serde_json::Value;

use super::support::{bytes, text, vectors};
use super::{KEY_MESSAGE, end_of, feed, handshake_with, open, output, seal};

const FILES: [&str; 2] = ["secret_handshake", "secret_handshake_v0.34.35"];

fn bytes32(row: &Value, key: &str) -> [u8; 32] {
    bytes(row, key).try_into().unwrap()
}

/// Our machine in the place of `side`, having shaken hands with what the other side has sent. `None` of our bytes may differ
/// from those of the Go node, as far as they do not depend on old bytes in its buffers.
fn take_the_place_of(side: &str, row: &Value) -> SecretConnection {
    let (ours, theirs) = (&row[side], &row[if side == "a" { "b" } else { "a" }]);
    let node_key = NodeKey::from_seed(&bytes32(ours, "node_seed"));
    assert_eq!(node_key.public_key().as_bytes(), &bytes32(ours, "node_pub"));
    let peer = PublicKey::from_bytes(bytes32(theirs, "node_pub"));
    let mut machine = handshake_with(&node_key, &bytes32(ours, "eph_priv"), ExpectedPeer::Id(peer.id()));

    let mut sent = output(&mut machine);
    assert!(feed(&mut machine, &bytes(theirs, "handshake_bytes"), false).is_empty());
    sent.extend(output(&mut machine));
    let go = bytes(ours, "handshake_bytes");
    assert_eq!(sent[..KEY_MESSAGE], go[..KEY_MESSAGE]);
    assert_same_frame(&sent[KEY_MESSAGE..], &go[KEY_MESSAGE..], &ours["auth_frame"][0]);

    let connection = end_of(&mut machine).unwrap();
    assert_eq!(connection.peer, peer);
    connection
}

/// Compares a frame of ours with one of Go, whose plain bytes are known.
///
/// Go pads with old bytes, so that its ciphertext differs from ours exactly where they do: a stream cipher.
fn assert_same_frame(ours: &[u8], go: &[u8], opened: &Value) {
    assert_eq!((ours.len(), go.len()), (1044, 1044));
    let plain = bytes(opened, "plain_frame_hex");
    let data = 4 + usize::try_from(opened["chunk_len"].as_u64().unwrap()).unwrap();
    for (index, (plain, (ours, go))) in plain.iter().zip(ours.iter().zip(go)).enumerate() {
        let old = if index < data { 0 } else { *plain };
        assert_eq!(ours ^ go, old, "byte {index}");
    }
    if plain[data..].iter().all(|byte| *byte == 0) {
        assert_eq!(ours[1028..], go[1028..], "the tag");
    }
}

#[test]
fn each_side_of_a_session_of_go_is_reproduced() {
    let mut equal_handshakes = 0;
    for row in FILES.iter().flat_map(|file| vectors(file)) {
        for side in ["a", "b"] {
            let mut connection = take_the_place_of(side, &row);
            for frames in row["frames"].as_array().unwrap() {
                let (plain, sealed) = (bytes(frames, "plain_hex"), bytes(frames, "sealed_hex"));
                if !text(frames, "dir").starts_with(side) {
                    assert_eq!(open(&mut connection, &sealed), plain);
                    continue;
                }
                let ours = seal(&mut connection, &plain);
                assert_eq!(ours.len(), sealed.len());
                let opened = frames["opened"].as_array().map_or(&[][..], Vec::as_slice);
                for ((ours, go), opened) in ours.chunks(1044).zip(sealed.chunks(1044)).zip(opened) {
                    assert_same_frame(ours, go, opened);
                }
            }
            equal_handshakes += 1;
        }
    }
    assert_eq!(equal_handshakes, 12);
}

/// The first frame of v0.38 is padded with zeros, so that the whole handshake is equal.
#[test]
fn the_handshake_of_v0_38_is_byte_for_byte_ours() {
    for row in vectors("secret_handshake") {
        for (side, other) in [("a", "b"), ("b", "a")] {
            let node_key = NodeKey::from_seed(&bytes32(&row[side], "node_seed"));
            let mut machine = handshake_with(&node_key, &bytes32(&row[side], "eph_priv"), ExpectedPeer::Any);
            feed(&mut machine, &bytes(&row[other], "handshake_bytes"), true);
            assert_eq!(output(&mut machine), bytes(&row[side], "handshake_bytes"), "{}", text(&row, "name"));
        }
    }
}
