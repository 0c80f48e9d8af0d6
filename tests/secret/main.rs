//! SecretConnection from outside: against the data of Go, against bad peers, and between two machines.
#![cfg(feature = "secret")]

mod bad_peers;
mod deadlines;
mod empty_frames;
mod go_sessions;
mod pairs;
mod peers;
mod scripted;
#[path = "../support/mod.rs"]
mod support;

use bytes::{Bytes, BytesMut};
use mconn::machine::Machine;
use mconn::secret::{
    EphemeralSecret, Event, ExpectedPeer, HandshakeConfig, HandshakeError, Input, NodeKey, SecretConnection,
    SecretHandshake,
};
use mconn::time::Instant;

/// The bytes of the message with an ephemeral key.
const KEY_MESSAGE: usize = 35;

/// A handshake that begins at time zero and accepts anybody.
fn handshake(node_seed: u8, ephemeral: u8) -> SecretHandshake {
    handshake_with(&NodeKey::from_seed(&[node_seed; 32]), &[ephemeral; 32], ExpectedPeer::Any)
}

fn handshake_with(node_key: &NodeKey, ephemeral: &[u8; 32], expected: ExpectedPeer) -> SecretHandshake {
    let ephemeral = EphemeralSecret::from_random(ephemeral);
    SecretHandshake::new(node_key, ephemeral, expected, HandshakeConfig::default(), Instant::ZERO)
}

/// All output that waits.
fn output(machine: &mut SecretHandshake) -> Vec<u8> {
    std::iter::from_fn(|| machine.poll_transmit(Instant::ZERO)).flatten().collect()
}

/// Feeds `bytes`; what is not consumed comes back.
fn feed(machine: &mut SecretHandshake, bytes: &[u8], end: bool) -> BytesMut {
    let mut buf = BytesMut::from(bytes);
    machine.handle(Instant::ZERO, Input::Received { buf: &mut buf, end });
    buf
}

/// The one event of a handshake that is over, after which there is nothing.
fn end_of(machine: &mut SecretHandshake) -> Result<SecretConnection, HandshakeError> {
    let event = machine.poll_event().expect("an end");
    assert!(machine.is_closed());
    assert!(machine.poll_event().is_none());
    assert!(machine.poll_transmit(Instant::ZERO).is_none());
    assert_eq!(machine.poll_timeout(), None);
    assert_eq!(machine.recv_budget(), 0);
    match event {
        Event::Established(connection) => Ok(connection),
        Event::Closed(error) => Err(error),
        other => panic!("{other:?}"),
    }
}

/// Why a handshake has failed.
fn failure(machine: &mut SecretHandshake) -> HandshakeError {
    end_of(machine).expect_err("a failure")
}

/// Two ends that have shaken hands.
fn established(mut one: SecretHandshake, mut other: SecretHandshake) -> (SecretConnection, SecretConnection) {
    let key_of_one = output(&mut one);
    let key_of_other = output(&mut other);
    feed(&mut one, &key_of_other, false);
    feed(&mut other, &key_of_one, false);
    let auth_of_one = output(&mut one);
    let auth_of_other = output(&mut other);
    assert!(feed(&mut one, &auth_of_other, false).is_empty());
    assert!(feed(&mut other, &auth_of_one, false).is_empty());
    (end_of(&mut one).unwrap(), end_of(&mut other).unwrap())
}

/// A handshake of node 1 that has the other's ephemeral key and has sent all, and the other side: node 3.
fn half_way() -> (SecretHandshake, scripted::Scripted) {
    half_way_with(ExpectedPeer::Any)
}

fn half_way_with(expected: ExpectedPeer) -> (SecretHandshake, scripted::Scripted) {
    let mut machine = handshake_with(&NodeKey::from_seed(&[1; 32]), &[2; 32], expected);
    let peer = scripted::Scripted::new(&[4; 32], &output(&mut machine));
    assert!(feed(&mut machine, &scripted::key_message(&[4; 32]), false).is_empty());
    assert_eq!(output(&mut machine).len(), 1044);
    (machine, peer)
}

/// All of `message`, sealed.
fn seal(connection: &mut SecretConnection, message: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    let appended = connection.sealer.seal(&mut Bytes::copy_from_slice(message), &mut out, usize::MAX).unwrap();
    assert_eq!(appended, out.len());
    out
}

/// All of `sealed`, opened.
fn open(connection: &mut SecretConnection, sealed: &[u8]) -> BytesMut {
    let (mut input, mut out) = (BytesMut::from(sealed), BytesMut::new());
    connection.opener.open(&mut input, &mut out, usize::MAX).unwrap();
    assert!(input.is_empty());
    out
}
