//! What can not be reached from outside: the last nonce.

use std::sync::Arc;
use std::vec;

use super::*;
use crate::connection::ChannelConfig;
use crate::machine::Fault;
use crate::peer::{LocalNode, NodeInfo, Upgrade, UpgradeConfig, UpgradeEvent, Upgraded};
use crate::secret::{self, EphemeralSecret, ExpectedPeer, NodeKey, SealError};

const NOW: Instant = Instant::ZERO;

/// Two ends of a stream.
fn upgraded() -> (Upgraded, Upgraded) {
    let begin = |seed: u8| {
        let key = NodeKey::from_seed(&[seed; 32]);
        let info = NodeInfo::new(key.id(), "chain", [0x20]);
        let ephemeral = EphemeralSecret::from_random(&[seed; 32]);
        let local = Arc::new(LocalNode::new(key, info).unwrap());
        Upgrade::new(local, ephemeral, ExpectedPeer::Any, UpgradeConfig::default(), NOW)
    };
    let (mut one, mut other) = (begin(1), begin(2));
    let carry = |from: &mut Upgrade, to: &mut Upgrade| {
        let mut wire = BytesMut::new();
        while let Some(bytes) = from.poll_transmit(NOW) {
            wire.extend_from_slice(&bytes);
        }
        to.handle(NOW, secret::Input::Received { buf: &mut wire, end: false });
    };
    for _ in 0..3 {
        carry(&mut one, &mut other);
        carry(&mut other, &mut one);
    }
    let end = |upgrade: &mut Upgrade| match upgrade.poll_event() {
        Some(UpgradeEvent::Established(upgraded)) => upgraded,
        other => panic!("{other:?}"),
    };
    (end(&mut one), end(&mut other))
}

fn sealed(upgraded: Upgraded) -> Sealed<crate::wire::AnyCodec> {
    let config = MConnConfig::default().channel(ChannelConfig::new(0x20, 1));
    Sealed::new(upgraded.connection, upgraded.early, config, NOW).unwrap()
}

#[test]
fn the_last_nonce_ends_it_and_what_was_sealed_before_is_good() {
    let (mut one, _) = upgraded();
    one.connection.sealer.skip_to(u64::MAX - 2);
    let mut one = sealed(one);
    one.inner.try_send(0x20, vec![7; 5000].into()).unwrap();
    let mut out = BytesMut::new();
    assert_eq!(one.transmit_into(NOW, &mut out, usize::MAX), 2 * FRAME_LEN);
    assert!(one.wants_write() && !one.has_ended());
    assert_eq!(one.transmit_into(NOW, &mut out, usize::MAX), 0);
    assert!(one.has_ended() && !one.wants_write());
    let Some(Event::Closed(reason)) = one.poll_event() else { panic!("no end") };
    assert_eq!((reason.fault(), &reason), (Fault::Ours, &PeerClosed::Seal(SealError::NoncesUsed)));
    assert!(one.is_closed() && one.poll_event().is_none());
}

#[test]
fn the_last_nonce_ends_a_flush_too() {
    let (mut one, _) = upgraded();
    one.connection.sealer.skip_to(u64::MAX - 1);
    let mut one = sealed(one);
    one.inner.try_send(0x20, vec![7; 1500].into()).unwrap();
    one.handle(NOW, Input::CloseAfterFlush { deadline: None });
    let mut out = BytesMut::new();
    assert_eq!(one.transmit_into(NOW, &mut out, FRAME_LEN), FRAME_LEN);
    assert!(one.is_held_back());
    assert_eq!(one.transmit_into(NOW, &mut out, FRAME_LEN), 0);
    assert_eq!(one.poll_event(), Some(Event::Closed(PeerClosed::Seal(SealError::NoncesUsed))));
}

#[test]
fn opened_bytes_wait_inside_only_while_there_is_no_room() {
    let (one, other) = upgraded();
    let (mut one, mut other) = (sealed(one), sealed(other));
    for number in 0..20 {
        one.inner.try_send(0x20, vec![number; 100].into()).unwrap();
    }
    let mut wire = BytesMut::new();
    one.transmit_into(NOW, &mut wire, usize::MAX);
    other.handle(NOW, Input::Received { buf: &mut wire, end: false });
    assert!(!other.has_unread() && other.wants_read() && other.opened.is_empty());
}
