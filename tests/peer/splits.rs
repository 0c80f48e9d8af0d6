//! The same bytes in other pieces: the same events.

use bytes::{Buf, Bytes, BytesMut};
use mconn::connection::Input;
use mconn::machine::Machine;
use mconn::peer::{Origin, Peer};
use mconn::secret;
use proptest::prelude::*;

use super::{
    ExpectedPeer, NOW, Scripted, config, end_of, info, key_message, messages, output, pattern, peers, pull, upgrade,
};

/// All that a peer sends: key, authentication, NodeInfo, and two messages on channel 0x20, which begin in the frame of the
/// NodeInfo. `pieces` says how the data are cut into frames.
fn stream(pieces: impl Fn(usize) -> usize) -> (Vec<u8>, Vec<(u8, Bytes)>) {
    let sent = vec![(0x20, pattern(3000, 1)), (0x20, pattern(10, 2))];
    let mut packets = info(3).encode();
    // The packets are the same without the frames.
    let mut plain = mconn::connection::MConnState::new(config(), NOW).unwrap();
    for (channel, message) in &sent {
        plain.try_send(*channel, message.clone()).unwrap();
    }
    let mut bytes = BytesMut::new();
    plain.transmit_into(NOW, &mut bytes, usize::MAX);
    packets.extend_from_slice(&bytes);

    let mut machine = upgrade(ExpectedPeer::Any);
    let mut peer = Scripted::new(&[4; 32], &output(&mut machine));
    let mut plain = [peer.auth(3), packets].concat();
    let mut wire = key_message(&[4; 32]);
    let mut number = 0;
    while !plain.is_empty() {
        let rest = plain.split_off(pieces(number).clamp(1, 1024).min(plain.len()));
        wire.extend(peer.frame(&plain));
        plain = rest;
        number += 1;
    }
    (wire, sent)
}

/// Drives a machine from its first byte to its last with one buffer, as a driver would; the pieces are never larger than
/// what it wants.
fn receive(wire: &[u8], size: usize) -> Vec<(u8, Bytes)> {
    let mut machine = upgrade(ExpectedPeer::Any);
    let (mut rest, mut buf) = (wire, BytesMut::new());
    let mut more = |buf: &mut BytesMut, budget: usize| {
        let len = budget.saturating_sub(buf.len()).min(size).min(rest.len());
        buf.extend_from_slice(&rest[..len]);
        rest.advance(len);
        len
    };
    while !machine.has_ended() {
        let read = more(&mut buf, machine.recv_budget());
        let before = buf.len();
        machine.handle(NOW, secret::Input::Received { buf: &mut buf, end: false });
        let wrote = output(&mut machine).len();
        assert!(read > 0 || buf.len() < before || wrote > 0, "it stands still");
    }
    let mut peer = Peer::new(end_of(&mut machine).unwrap(), Origin::inbound(), config(), NOW).unwrap();
    let mut received = Vec::new();
    loop {
        peer.handle(NOW, Input::Received { buf: &mut buf, end: false });
        received.extend(messages(&mut peer));
        let budget = peer.recv_budget(NOW);
        if more(&mut buf, budget) == 0 {
            return received;
        }
    }
}

#[test]
fn any_pieces_of_any_frames_give_the_same() {
    for frame in [1024, 1000, 103, 50, 17] {
        let (wire, sent) = stream(|_| frame);
        for size in [1, 2, 34, 35, 36, 100, 1043, 1044, 1045, 2000, usize::MAX] {
            assert_eq!(receive(&wire, size), sent, "frames of {frame}, pieces of {size}");
        }
    }
}

/// Bytes behind the NodeInfo in its frame, in the middle of a packet.
#[test]
fn what_follows_in_the_frame_of_the_node_info_reaches_the_peer() {
    let lengths = [103, info(3).encode().len() + 500];
    let (wire, sent) = stream(|number| lengths.get(number).copied().unwrap_or(1024));
    assert_eq!(receive(&wire, usize::MAX), sent);
    // And with the authentication: all in one.
    let (wire, sent) = stream(|_| 1024);
    assert_eq!(receive(&wire, 700), sent);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_peers_exchange_whatever_the_pieces(
        lengths in proptest::collection::vec((0_usize..3, 0_usize..5000), 1..20),
        write in 1044_usize..9000,
        read in 1_usize..5000,
        inbox in 1_usize..4,
        greedy in any::<bool>(),
    ) {
        let mut config = config();
        config.inbox_messages = inbox;
        let (mut from, mut to) = peers(config);
        let mut sent = Vec::new();
        for (number, (channel, len)) in lengths.into_iter().enumerate() {
            let message = (super::CHANNELS[channel], pattern(len, number));
            from.try_send(message.0, message.1.clone()).unwrap();
            sent.push(message);
        }
        let mut wire = pull(&mut from, write);
        prop_assert!(!from.wants_write());
        let (mut buf, mut received) = (BytesMut::new(), Vec::new());
        loop {
            to.handle(NOW, Input::Received { buf: &mut buf, end: false });
            // One at a time, or all.
            let before = received.len();
            match to.poll_event() {
                Some(mconn::peer::Event::Message { channel, payload }) => received.push((channel, payload)),
                Some(other) => panic!("{other:?}"),
                None => {}
            }
            if greedy {
                received.extend(messages(&mut to));
            }
            let room = to.recv_budget(NOW).saturating_sub(buf.len()).min(read).min(wire.len());
            buf.extend_from_slice(&wire.split_to(room));
            if room == 0 && received.len() == before {
                break;
            }
        }
        prop_assert!(wire.is_empty() && buf.is_empty());
        for channel in super::CHANNELS {
            let of = |all: &[(u8, Bytes)]| all.iter().filter(|(id, _)| *id == channel).cloned().collect::<Vec<_>>();
            prop_assert_eq!(of(&received), of(&sent));
        }
    }
}
