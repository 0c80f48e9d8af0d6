//! Who the peer is, and who it is not.

use bytes::BytesMut;
use mconn::machine::Fault;
use mconn::secret::{ExpectedPeer, HandshakeError, NodeId, NodeKey, OpenError};
use sha2::{Digest, Sha256};

use super::scripted::{Scripted, auth_message, key_message};
use super::support::{bytes, vectors};
use super::{
    KEY_MESSAGE, end_of, established, failure, feed, half_way, half_way_with, handshake, handshake_with, output,
};

fn node(seed: u8) -> NodeKey {
    NodeKey::from_seed(&[seed; 32])
}

/// What a handshake, which takes anybody, says of this authentication.
fn verdict(auth: impl FnOnce(&Scripted) -> Vec<u8>) -> HandshakeError {
    let (mut machine, mut peer) = half_way();
    let auth = auth(&peer);
    feed(&mut machine, &peer.frame(&auth), false);
    failure(&mut machine)
}

/// As `PubKeyToID` of Go: the node of the recorded sessions.
#[test]
fn the_id_of_a_node_is_the_start_of_the_hash_of_its_key() {
    for row in vectors("secret_handshake") {
        let key = NodeKey::from_seed(&bytes(&row["a"], "node_seed").try_into().unwrap());
        let hash = Sha256::digest(bytes(&row["a"], "node_pub"));
        assert_eq!(key.id().to_string(), hex::encode(&hash[..20]));
    }
}

#[test]
fn the_expected_peer_is_accepted_by_id_and_by_key() {
    let accepted = [ExpectedPeer::Any, ExpectedPeer::Id(node(3).id()), ExpectedPeer::Key(node(3).public_key())];
    for expected in accepted {
        let (one, other) = established(handshake_with(&node(1), &[2; 32], expected), handshake(3, 4));
        assert_eq!((one.peer, other.peer), (node(3).public_key(), node(1).public_key()));
    }
}

#[test]
fn another_peer_is_refused_before_its_signature_is_looked_at() {
    for expected in [ExpectedPeer::Id(node(9).id()), ExpectedPeer::Key(node(9).public_key())] {
        for signature_is_good in [true, false] {
            let (mut machine, mut peer) = half_way_with(expected);
            let mut auth = peer.auth(3);
            auth[100] ^= u8::from(!signature_is_good);
            feed(&mut machine, &peer.frame(&auth), false);
            let error = failure(&mut machine);
            assert_eq!(error, HandshakeError::WrongPeer { expected: node(9).id(), found: node(3).id() });
            assert_eq!(error.fault(), Fault::Peer);
        }
    }
}

#[test]
fn a_wrong_signature_is_refused() {
    let wrong = HandshakeError::WrongSignature { claimed: node(3).id() };
    // Every byte of the signature.
    for byte in 39..103 {
        let bent = verdict(|peer| {
            let mut auth = peer.auth(3);
            auth[byte] ^= 1;
            auth
        });
        assert_eq!(bent, wrong, "byte {byte}");
    }
    // The signature of another node, or over another handshake.
    let of_another =
        verdict(|peer| auth_message(node(3).public_key().as_bytes(), peer.auth(4)[39..].try_into().unwrap()));
    assert_eq!(of_another, wrong);
    let another_session = Scripted::new(&[77; 32], &key_message(&[2; 32]));
    assert_eq!(verdict(|_| another_session.auth(3)), wrong);
}

#[test]
fn keys_that_nobody_can_own_are_refused() {
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    let error = verdict(|_| auth_message(&identity, &signature));
    assert!(matches!(error, HandshakeError::WrongSignature { .. }), "{error}");
    assert_eq!(verdict(|_| auth_message(&[2; 32], &signature)), HandshakeError::NodeKeyInvalid);
}

/// Both sides sign the same bytes, so that our own authentication is a good one.
#[test]
fn our_own_authentication_sent_back_is_refused() {
    assert_eq!(verdict(|peer| peer.auth(1)), HandshakeError::OwnNodeKey);
}

#[test]
fn our_own_ephemeral_key_sent_back_is_refused() {
    let mut machine = handshake(1, 2);
    let key = output(&mut machine);
    feed(&mut machine, &key, false);
    assert_eq!(failure(&mut machine), HandshakeError::ReflectedKey);

    // Everything that we send, mirrored, by a peer that hides behind the bit that X25519 ignores.
    let mut machine = handshake(1, 2);
    let mut key = output(&mut machine);
    key[34] ^= 0x80;
    feed(&mut machine, &key, false);
    let auth = output(&mut machine);
    assert_eq!(auth.len(), 1044);
    feed(&mut machine, &auth, false);
    assert_eq!(failure(&mut machine), HandshakeError::Open(OpenError::WrongTag { frame: 0 }));
}

/// The twelve values that lists of low-order points name. Seven are; five have a bit over 255, which X25519 masks, and stand
/// for ordinary points: Go takes them too (`secret_bad_peer` has two).
#[test]
fn points_of_low_order_are_refused() {
    let edge = |first: u8, last: u8| {
        let mut key = [0xff; 32];
        (key[0], key[31]) = (first, last);
        key
    };
    let number = |small: u8| {
        let mut key = [0; 32];
        key[0] = small;
        key
    };
    let order_8 = [
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    ];
    let masked = [
        "cdeb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880",
        "4c9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7",
    ];
    let decode = |text: &str| <[u8; 32]>::try_from(hex::decode(text).unwrap()).unwrap();
    let low = [number(0), number(1), edge(0xec, 0x7f), edge(0xed, 0x7f), edge(0xee, 0x7f)];
    let low: Vec<_> = low.into_iter().chain(order_8.map(decode)).collect();
    let ordinary = [edge(0xd9, 0xff), edge(0xda, 0xff), edge(0xdb, 0xff)];
    let ordinary: Vec<_> = ordinary.into_iter().chain(masked.map(decode)).collect();
    assert_eq!((low.len(), ordinary.len()), (7, 5));

    for key in &low {
        // With the highest bit set it is the same point.
        for mask in [0, 0x80] {
            let mut key = *key;
            key[31] |= mask;
            let mut machine = handshake(1, 2);
            feed(&mut machine, &[&[0x22, 0x0a, 0x20], key.as_slice()].concat(), false);
            assert_eq!(failure(&mut machine), HandshakeError::LowOrderPoint, "{}", hex::encode(key));
        }
    }
    for key in &ordinary {
        let mut machine = handshake(1, 2);
        feed(&mut machine, &[&[0x22, 0x0a, 0x20], key.as_slice()].concat(), false);
        assert_eq!(output(&mut machine).len(), KEY_MESSAGE + 1044, "{}", hex::encode(key));
    }
}

#[test]
fn an_authentication_may_be_spread_over_frames_and_followed_by_data() {
    for piece in [1, 7, 50, 102, 103] {
        let (mut machine, mut peer) = half_way();
        let auth = peer.auth(3);
        let wire: Vec<u8> = auth.chunks(piece).flat_map(|piece| peer.frame(piece)).collect();
        let following = peer.frame(b"next");
        let left = feed(&mut machine, &[wire, following.clone()].concat(), false);
        assert_eq!(left, following, "{piece}");
        let mut connection = end_of(&mut machine).unwrap();
        assert!(!connection.opener.has_early_data());
        assert_eq!(super::open(&mut connection, &left), "next");
    }
    for early in [1, 500, 1024 - 103] {
        let (mut machine, mut peer) = half_way();
        let data = vec![b'e'; early];
        let auth = [peer.auth(3), data.clone()].concat();
        feed(&mut machine, &peer.frame(&auth), false);
        let mut connection = end_of(&mut machine).unwrap();
        assert!(connection.opener.has_early_data());
        let mut out = BytesMut::new();
        assert_eq!(connection.opener.open(&mut BytesMut::new(), &mut out, usize::MAX), Ok(early));
        assert_eq!(out, data);
    }
}

#[test]
fn a_message_that_is_no_authentication_is_refused() {
    for (message, name) in [
        (&b"\x81\x02"[..], "TooLong"),
        (b"\x02\x08\x01", "Decode"),
        (b"\x00", "NodeKeyType"),
        (b"\x06\x0a\x04\x12\x02\x01\x02", "NodeKeyType"),
        (b"\x06\x0a\x04\x0a\x02\x01\x02", "NodeKeyLength"),
    ] {
        let error = verdict(|_| message.to_vec());
        assert!(format!("{error:?}").starts_with(name), "{error:?}");
    }
    let no_signature = verdict(|peer| [&[0x24], &peer.auth(3)[1..37]].concat());
    assert_eq!(no_signature, HandshakeError::SignatureLength { length: 0 });
}

#[test]
fn a_peer_of_another_protocol_fails_at_its_first_bytes() {
    for first in
        [&b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n......"[..], &[0xff; 40]]
    {
        let mut machine = handshake(1, 2);
        feed(&mut machine, first, false);
        let error = failure(&mut machine);
        assert!(matches!(error, HandshakeError::Decode { .. } | HandshakeError::TooLong { .. }), "{error:?}");
    }
}

#[test]
fn errors_name_the_nodes() {
    let id = |digit: &str| digit.repeat(40).parse::<NodeId>().unwrap();
    let text = HandshakeError::WrongPeer { expected: id("a"), found: id("b") }.to_string();
    assert!(text.contains(&"a".repeat(40)) && text.contains(&"b".repeat(40)), "{text}");
}
