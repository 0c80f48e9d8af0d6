//! A hostile peer of SecretConnection: in the handshake, and after it.

#[path = "../secret/scripted.rs"]
pub(super) mod scripted;

use arbitrary::{Arbitrary, Unstructured};
use bytes::{Bytes, BytesMut};
use mconn::machine::Machine;
use mconn::secret::{
    EphemeralSecret, Event, ExpectedPeer, HandshakeConfig, Input, NodeKey, OpenError, SecretConnection, SecretHandshake,
};
use mconn::time::Instant;

use scripted::{Scripted, key_message};

const OURS: [u8; 32] = [2; 32];
const THEIRS: [u8; 32] = [4; 32];
/// The seed of the node key that the peer has.
const PEER: u8 = 3;
const LIMIT: u32 = 3;

fn handshake() -> SecretHandshake {
    let config = HandshakeConfig::default().max_empty_frames(LIMIT);
    let ephemeral = EphemeralSecret::from_random(&OURS);
    SecretHandshake::new(&NodeKey::from_seed(&[1; 32]), ephemeral, ExpectedPeer::Any, config, Instant::ZERO)
}

#[derive(Arbitrary, Debug)]
enum Said<'a> {
    /// Any bytes.
    Raw(&'a [u8]),
    /// The ephemeral key.
    Key,
    /// Any bytes as data of a frame that is sealed as it should be.
    Frame(&'a [u8]),
    /// The authentication, split into frames, and bytes behind it.
    Auth { first: u8, after: u8 },
    /// The authentication with a changed byte.
    BentAuth { position: u8, change: u8 },
}

/// What the peer says, as bytes.
fn wire(said: &[Said<'_>]) -> Vec<u8> {
    let mut peer = Scripted::new(&THEIRS, &key_message(&OURS));
    let mut wire = Vec::new();
    for said in said {
        match said {
            Said::Raw(bytes) => wire.extend_from_slice(bytes),
            Said::Key => wire.extend(key_message(&THEIRS)),
            Said::Frame(data) => wire.extend(peer.frame(&data[..data.len().min(1024)])),
            Said::Auth { first, after } => {
                let auth = [peer.auth(PEER), vec![7; usize::from(*after)]].concat();
                let (head, tail) = auth.split_at(usize::from(*first).min(auth.len()));
                wire.extend(peer.frame(head));
                wire.extend(peer.frame(tail));
            }
            Said::BentAuth { position, change } => {
                let mut auth = peer.auth(PEER);
                let position = usize::from(*position) % auth.len();
                auth[position] ^= change;
                wire.extend(peer.frame(&auth));
            }
        }
    }
    wire
}

/// Feeds `wire` in pieces; gives the output, the end, and what was left.
fn shake(wire: &[u8], size: usize) -> (Vec<u8>, Option<Event>, BytesMut) {
    let mut machine = handshake();
    let (mut sent, mut buf) = (Vec::new(), BytesMut::new());
    for piece in wire.chunks(size) {
        buf.extend_from_slice(piece);
        machine.handle(Instant::ZERO, Input::Received { buf: &mut buf, end: false });
        sent.extend(std::iter::from_fn(|| machine.poll_transmit(Instant::ZERO)).flatten());
    }
    sent.extend(std::iter::from_fn(|| machine.poll_transmit(Instant::ZERO)).flatten());
    let end = machine.poll_event();
    assert_eq!(end.is_some(), machine.is_closed());
    assert!(machine.poll_event().is_none());
    (sent, end, buf)
}

/// A handshake with whatever a peer says that has one node key.
pub(crate) fn check_handshake(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(size) = u8::arbitrary(&mut input) else { return };
    let said: Vec<_> = (0..8).map_while(|_| Said::arbitrary(&mut input).ok()).collect();
    let wire = wire(&said);
    let (sent, end, left) = shake(&wire, wire.len().max(1));
    let (sent_in_pieces, end_in_pieces, left_in_pieces) = shake(&wire, usize::from(size).max(1));
    assert_eq!(format!("{end:?}"), format!("{end_in_pieces:?}"), "the end depends on how the bytes were cut");
    assert!(sent.len() <= 35 + 1044 && left.len() <= wire.len());
    match end {
        Some(Event::Established(connection)) => {
            assert_eq!(connection.peer, NodeKey::from_seed(&[PEER; 32]).public_key(), "nobody else can sign");
            assert_eq!((sent, left), (sent_in_pieces, left_in_pieces));
        }
        Some(Event::Closed(error)) => assert!(!error.to_string().is_empty()),
        _ => assert!(left.len() < 1044),
    }
    if let [Said::Key, Said::Auth { .. }, ..] = said[..] {
        assert!(matches!(end_in_pieces, Some(Event::Established(_))), "an honest peer was refused");
    }
}

#[derive(Arbitrary, Debug)]
enum Frame {
    /// A good one.
    Data { len: u16 },
    /// A good one with a bit changed on the way.
    Bent { len: u16, bit: u16 },
    /// A frame that does not arrive.
    Lost { len: u16 },
}

fn established() -> (SecretConnection, Scripted) {
    let mut peer = Scripted::new(&THEIRS, &key_message(&OURS));
    let auth = peer.auth(PEER);
    let (_, end, _) = shake(&[key_message(&THEIRS), peer.frame(&auth)].concat(), usize::MAX);
    let Some(Event::Established(connection)) = end else { panic!("no connection") };
    (connection, peer)
}

/// Frames of an authenticated peer, good ones and bad ones, in any pieces, into little room: what comes out is what was sealed,
/// up to the first bad one.
pub(crate) fn check_frames(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok((size, room)) = <(u16, u16)>::arbitrary(&mut input) else { return };
    let frames: Vec<_> = (0..12).map_while(|_| Frame::arbitrary(&mut input).ok()).collect();
    let (connection, mut peer) = established();
    let mut opener = connection.opener;
    let (mut wire, mut expected, mut end, mut empty) = (Vec::new(), Vec::new(), None, 0);
    for (frame, number) in frames.iter().zip(1_u8..) {
        let (Frame::Data { len } | Frame::Bent { len, .. } | Frame::Lost { len }) = frame;
        let data = vec![number; usize::from(len % 1025)];
        let mut sealed = peer.frame(&data);
        let wrong_tag = OpenError::WrongTag { frame: number.into() };
        match frame {
            Frame::Data { .. } => {
                wire.extend(sealed);
                empty = if data.is_empty() { empty + 1 } else { 0 };
                if end.is_none() {
                    expected.extend(data);
                    end = (empty > LIMIT).then_some(OpenError::EmptyFrames { frames: empty, limit: LIMIT });
                }
            }
            Frame::Bent { bit, .. } => {
                let bit = usize::from(*bit) % (1044 * 8);
                sealed[bit / 8] ^= 1 << (bit % 8);
                wire.extend(sealed);
                end = end.or(Some(wrong_tag));
            }
            // Shows only when another frame comes in its place.
            Frame::Lost { .. } if usize::from(number) < frames.len() => {
                let follows = frames[usize::from(number)..].iter().any(|frame| !matches!(frame, Frame::Lost { .. }));
                end = end.or(follows.then_some(wrong_tag));
            }
            Frame::Lost { .. } => {}
        }
    }
    let (mut buf, mut out, mut error) = (BytesMut::new(), BytesMut::new(), None);
    let room = usize::from(room).max(1024);
    for piece in wire.chunks(usize::from(size).max(1)) {
        buf.extend_from_slice(piece);
        loop {
            let before = (buf.len(), out.len());
            match opener.open(&mut buf, &mut out, room) {
                Ok(appended) => assert!(appended <= room && appended == out.len() - before.1),
                Err(found) => assert_eq!(*error.get_or_insert(found), found, "the first error stays"),
            }
            if before == (buf.len(), out.len()) {
                break;
            }
        }
    }
    assert_eq!((out, error), (BytesMut::from(&expected[..]), end));

    // And back: whatever the room, the same frames.
    let mut sealer = connection.sealer;
    let (mut plain, mut sealed) = (Bytes::from(expected), BytesMut::new());
    let len = plain.len();
    while sealer.seal(&mut plain, &mut sealed, room.max(1044)).unwrap() > 0 {}
    assert!(plain.is_empty());
    assert_eq!(sealed.len(), len.div_ceil(1024) * 1044);
}
