//! Frames without data, after which a Go node loses its place in the stream.

use bytes::BytesMut;
use mconn::connection::{ChannelConfig, Event, Input, MConnConfig, MConnState};
use mconn::machine::Machine;
use mconn::secret::{HandshakeError, OpenError};
use mconn::time::Instant;

use super::scripted::Scripted;
use super::support::{bytes, text, vectors};
use super::{failure, feed, half_way, open};

/// The message "yo" on channel 1, as a packet.
const YO: &[u8] = b"\x0a\x1a\x08\x08\x01\x10\x01\x1a\x02yo";

#[test]
fn what_go_loses_arrives_here() {
    for row in vectors("secret_empty_frame") {
        assert_ne!(text(&row, "outcome"), "", "{row}");
        let (mut machine, mut peer) = half_way();
        let auth = peer.auth(3);
        assert!(feed(&mut machine, &peer.frame(&auth), false).is_empty());
        let mut connection = super::end_of(&mut machine).unwrap();

        let before = bytes(&row, "sent_before_empty_frame_hex");
        let mut sealed = if before.is_empty() { Vec::new() } else { peer.frame(&before) };
        sealed.extend(peer.frame(&[]));
        sealed.extend(peer.frame(YO));
        let mut opened = open(&mut connection, &sealed);

        let config = MConnConfig::default().channel(ChannelConfig::new(1, 1));
        let mut messages = MConnState::new(config, Instant::ZERO).unwrap();
        messages.handle(Instant::ZERO, Input::Received { buf: &mut opened, end: false });
        let delivered = std::iter::from_fn(|| messages.poll_event()).map(|event| match event {
            Event::Message { channel: 1, payload } => String::from_utf8(payload.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        });
        let mut expected: Vec<String> = serde_json::from_value(row["messages"].clone()).unwrap_or_default();
        expected.push("yo".to_owned());
        assert_eq!(delivered.collect::<Vec<_>>(), expected);
    }
}

#[test]
fn they_are_skipped_within_the_handshake_too_and_bounded() {
    let (mut machine, mut peer) = half_way();
    for _ in 0..64 {
        feed(&mut machine, &peer.frame(&[]), false);
    }
    let auth = peer.auth(3);
    feed(&mut machine, &peer.frame(&auth), false);
    let mut connection = super::end_of(&mut machine).unwrap();
    let mut out = BytesMut::new();
    for _ in 0..64 {
        assert_eq!(connection.opener.open(&mut BytesMut::from(&peer.frame(&[])[..]), &mut out, 9999), Ok(0));
    }
    let too_many = OpenError::EmptyFrames { frames: 65, limit: 64 };
    assert_eq!(connection.opener.open(&mut BytesMut::from(&peer.frame(&[])[..]), &mut out, 9999), Err(too_many));

    let (mut machine, mut peer): (_, Scripted) = half_way();
    for _ in 0..65 {
        feed(&mut machine, &peer.frame(&[]), false);
    }
    assert_eq!(failure(&mut machine), HandshakeError::Open(too_many));
}
