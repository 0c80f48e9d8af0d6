//! The way out: which frames, how full, and what is not sent at all.

use bytes::{Bytes, BytesMut};
use mconn::connection::{ChannelConfig, SendRefusal};
use mconn::machine::Machine;
use mconn::peer::{Origin, Peer, PeerData};

use super::{
    NOW, closed, config, end_of, feed, give, half_way, info, messages, node, output, pattern, peers, pull,
    scripted_peer, upgrade_of,
};
use mconn::secret::ExpectedPeer;

/// The packets of a peer with these messages, in the order in which they were queued, take so many bytes.
fn packets(sent: &[(u8, Bytes)]) -> usize {
    let mut plain = mconn::connection::MConnState::new(config(), NOW).unwrap();
    for (channel, message) in sent {
        plain.try_send(*channel, message.clone()).unwrap();
    }
    plain.transmit_into(NOW, &mut BytesMut::new(), usize::MAX)
}

fn queued() -> (Peer, Peer, Vec<(u8, Bytes)>) {
    let (mut from, to) = peers(config());
    let sent: Vec<_> = (0..40).map(|number| (super::CHANNELS[number % 3], pattern(number * 97, number))).collect();
    for (channel, message) in &sent {
        from.try_send(*channel, message.clone()).unwrap();
    }
    (from, to, sent)
}

#[test]
fn frames_are_filled_across_packets_and_only_the_last_is_short() {
    let expected = packets(&queued().2).div_ceil(1024);
    let mut all = Vec::new();
    for max in [1044, 1045, 5000, 40 * 1044, 65_536, usize::MAX] {
        let (mut from, mut to, sent) = queued();
        let before = from.frames_sealed();
        let wire = pull(&mut from, max);
        assert_eq!(wire.len(), expected * 1044, "{max}");
        assert_eq!(from.frames_sealed() - before, expected as u64);
        give(&mut to, &wire, false);
        assert_eq!(messages(&mut to).len(), sent.len());
        all.push(wire);
    }
    // Nothing depends on how much is asked for at once; the keys are the same each time.
    let (mut from, _, _) = queued();
    let one_by_one: Vec<u8> = std::iter::from_fn(|| from.poll_transmit(NOW)).flatten().collect();
    assert!(all.iter().all(|wire| *wire == one_by_one));
}

#[test]
fn without_room_for_a_frame_nothing_comes() {
    let (mut from, _, _) = queued();
    let mut out = BytesMut::new();
    assert_eq!(from.transmit_into(NOW, &mut out, 1043), 0);
    assert!(from.wants_write() && out.is_empty());
    assert_eq!(from.transmit_into(NOW, &mut out, 2 * 1044 + 1043), 2 * 1044);
}

#[test]
fn channels_that_the_other_side_has_not_announced_are_refused() {
    let mut theirs = info(3);
    theirs.channels = vec![0x20];
    let mut one = upgrade_of(node(info(1), 1), 2, ExpectedPeer::Any);
    let mut other = upgrade_of(node(theirs, 3), 4, ExpectedPeer::Any);
    for _ in 0..3 {
        let (from_one, from_other) = (output(&mut one), output(&mut other));
        feed(&mut one, &from_other, false);
        feed(&mut other, &from_one, false);
    }
    let mut peer = Peer::new(end_of(&mut one).unwrap(), Origin::inbound(), config(), NOW).unwrap();
    let error = peer.try_send(0x21, Bytes::from("back")).unwrap_err();
    assert_eq!((error.refusal, error.message), (SendRefusal::NotAnnounced, Bytes::from("back")));
    assert_eq!(peer.may_send(0x21, usize::MAX), Err(SendRefusal::NotAnnounced));
    assert!(!peer.can_send(0x21) && peer.can_send(0x20));
    assert!(!peer.has_announced(0x21) && peer.has_announced(0x20));
    // What says more comes first.
    assert_eq!(peer.may_send(0x99, 1), Err(SendRefusal::UnknownChannel));
    assert_eq!(
        peer.try_send(0x20, pattern(30_000_000, 0)).unwrap_err().refusal,
        SendRefusal::TooLarge { limit: 22_020_096 }
    );
    assert!(!peer.wants_write());
    peer.handle(NOW, mconn::connection::Input::Close);
    assert_eq!(peer.may_send(0x21, 1), Err(SendRefusal::Closed));
    closed(&mut peer);
}

#[test]
fn a_peer_knows_who_it_is() {
    let dialled = format!("{}@10.0.0.7:26656", info(3).node_id).parse().unwrap();
    let socket = "10.0.0.7:26656".parse().unwrap();
    let (mut machine, mut other) = half_way();
    let frame = other.frame(&info(3).encode());
    feed(&mut machine, &frame, false);
    let origin = Origin::outbound(dialled).socket(socket).persistent(true);
    let mut peer = Peer::new(end_of(&mut machine).unwrap(), origin.clone(), config(), NOW).unwrap();
    assert_eq!(peer.node_info(), &info(3));
    assert_eq!((peer.id().to_string(), peer.key().id()), (info(3).node_id, peer.id()));
    assert!(peer.is_outbound() && peer.is_persistent());
    assert_eq!((peer.remote_addr(), peer.origin()), (Some(socket), &origin));
    assert!(format!("{peer:?}").contains(&info(3).node_id));
    let (inbound, _) = peers(config());
    assert!(!inbound.is_outbound() && !inbound.is_persistent() && inbound.remote_addr().is_none());

    peer.data_mut().insert(7_u64);
    peer.data_mut().insert("text");
    assert_eq!(peer.data_mut().insert(8_u64), Some(7));
    *peer.data_mut().get_mut::<u64>().unwrap() += 1;
    assert_eq!((peer.data().get::<u64>(), peer.data().get::<&str>()), (Some(&9), Some(&"text")));
    assert_eq!(peer.data_mut().remove::<u64>(), Some(9));
    assert_eq!(peer.data().get::<u64>(), None);
    assert_eq!(peer.data_mut().remove::<u64>(), None);
    assert!(format!("{:?}", PeerData::default()).contains('0'));
}

#[test]
fn a_peer_with_a_bad_configuration_is_none() {
    let (mut machine, mut other) = half_way();
    let frame = other.frame(&info(3).encode());
    feed(&mut machine, &frame, false);
    let twice = config().channel(ChannelConfig::new(0x20, 1));
    assert!(Peer::new(end_of(&mut machine).unwrap(), Origin::inbound(), twice, NOW).is_err());
}

#[test]
fn pings_and_looks_go_through() {
    let (mut peer, mut other) = scripted_peer(config());
    // A ping of the peer is answered in a frame of its own.
    let ping = other.frame(b"\x02\x0a\x00");
    give(&mut peer, &ping, false);
    assert!(peer.wants_write());
    assert_eq!(pull(&mut peer, usize::MAX).len(), 1044);
    let status = peer.status(NOW);
    assert_eq!((status.counters.pings_received, status.counters.pongs_sent), (1, 1));
    assert_eq!(peer.channel_status(NOW, 0x20).unwrap().send_queue_size, 0);
    assert!(peer.frames_opened() >= 3);
}
