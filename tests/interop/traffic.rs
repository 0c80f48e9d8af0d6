//! Messages of all sizes, on all kinds of channels.

use mconn::connection::CloseReason;
use mconn::wire::DecodeRule;

use crate::exchange::{Dials, arrives_here, connect, exchange, start_go};
use crate::go_peer::{GoEvent, PATIENCE};
use crate::our_end::Adapter;
use crate::version::{Version, go};

const SIZES: [usize; 7] = [0, 1, 1023, 1024, 1025, 65_536, 1_048_576];
const CHANNELS: [(u8, u32); 4] = [(0x20, 1), (0x21, 5), (0x22, 10), (0x30, 3)];

/// All sizes on all channels, the large ones between small ones.
fn all_sizes(least: usize) -> Vec<(u8, usize)> {
    let sizes = SIZES.into_iter().chain(SIZES.into_iter().rev()).filter(|&len| len >= least);
    sizes.flat_map(|len| CHANNELS.map(|(channel, _)| (channel, len))).collect()
}

/// Go's empty messages have tests of their own: it loses them while other channels are busy.
fn both_ways(version: &Version, payload: usize) {
    let peer = version.run();
    for (dials, adapter) in [(Dials::We, Adapter::Blocking), (Dials::Go, Adapter::Tokio)] {
        let (mut theirs, mut ours) = (go(&CHANNELS), version.ours(&CHANNELS));
        theirs.payload = payload;
        (ours.send_payload_size, ours.recv_payload_size) = (payload, payload);
        let (link, mut end) = connect(&peer, dials, &theirs, ours, adapter);
        exchange(&link, &mut end, &all_sizes(0), &all_sizes(1));
        end.close_after_flush();
        assert_eq!(end.closed().reason, CloseReason::Flushed);
        assert_eq!(link.error(), "EOF");
    }
}

pub(crate) fn all_sizes_on_several_channels_both_ways(version: &Version) {
    both_ways(version, 1024);
}

pub(crate) fn packets_of_1400_bytes(version: &Version) {
    both_ways(version, 1400);
}

/// All ids at once, and the ones at the edges alone.
pub(crate) fn every_channel_id(version: &Version) {
    let peer = version.run();
    let all: Vec<_> = (0..=u8::MAX).map(|id| (id, 1 + u32::from(id) % 7)).collect();
    let edges = [0x00, 0x7f, 0x80, 0xff].map(|id| (id, 1));
    let alone = edges.iter().map(std::slice::from_ref);
    // A NodeInfo has no room for more than 16.
    let at_once = if version.sealed { 16 } else { 256 };
    for channels in alone.chain([&edges[..]]).chain(all.chunks(at_once)) {
        let (link, mut end) = connect(&peer, Dials::We, &go(channels), version.ours(channels), Adapter::Blocking);
        let lens: Vec<_> =
            [1, 1023, 1025, 3000].iter().flat_map(|&len| channels.iter().map(move |c| (c.0, len))).collect();
        exchange(&link, &mut end, &lens, &lens);
    }
}

/// A packet with a full payload, the mark of the end and a channel id of two bytes is one byte over Go's own limit. We split
/// such packets; Go sends them all the same, and refuses them itself.
pub(crate) fn whole_packets_on_channels_with_two_byte_ids(version: &Version) {
    let peer = version.run();
    let channels = [(0x80, 1), (0xff, 1)];
    let whole: Vec<_> = [1024, 2048, 10_240].iter().flat_map(|&len| channels.map(|(id, _)| (id, len))).collect();
    for adapter in [Adapter::Blocking, Adapter::Tokio] {
        let (link, mut end) = connect(&peer, Dials::We, &go(&channels), version.ours(&channels), adapter);
        let to_us = if version.is_proto3() { vec![(0x80, 1)] } else { whole.clone() };
        exchange(&link, &mut end, &whole, &to_us);
        if version.is_proto3() {
            link.send(0xff, 0, &[1024]);
            assert!(end.recv().is_none());
            let reason = end.closed().reason;
            let CloseReason::Decode { error, .. } = reason else { panic!("{reason}") };
            assert_eq!(error.rule, DecodeRule::TooLarge { length: 1035, limit: 1034 });
        }
        // Who wants to hear such a peer expects larger packets than it sends.
        let mut generous = version.ours(&channels);
        generous.recv_payload_size = 1025;
        let (link, mut end) = connect(&peer, Dials::Go, &go(&channels), generous, adapter);
        exchange(&link, &mut end, &whole, &whole);
    }
}

/// All of ours arrive. Go's do when their channel has nobody to wait for.
pub(crate) fn empty_messages(version: &Version) {
    let peer = version.run();
    let lens = [0, 0, 1, 0, 3000, 0, 0, 0, 1023, 0];
    let to_go: Vec<_> = lens.iter().flat_map(|&len| CHANNELS.map(|(channel, _)| (channel, len))).collect();
    for adapter in [Adapter::Blocking, Adapter::Tokio] {
        let (link, mut end) = connect(&peer, Dials::We, &go(&CHANNELS), version.ours(&CHANNELS), adapter);
        exchange(&link, &mut end, &to_go, &[]);
        for channel in [0x00, 0x20, 0x80] {
            let one = [(channel, 1)];
            let (link, mut end) = connect(&peer, Dials::Go, &go(&one), version.ours(&one), adapter);
            exchange(&link, &mut end, &lens.map(|len| (channel, len)), &lens.map(|len| (channel, len)));
        }
    }
}

/// The message is accepted and never sent, and `CanSend` says no for ever.
pub(crate) fn go_loses_an_empty_message_whose_channel_waits(version: &Version) {
    let peer = version.run();
    let channels = [(1, 1), (2, 1000)];
    let mut theirs = go(&channels);
    theirs.send_rate = 300_000;
    let (link, mut end) = connect(&peer, Dials::We, &theirs, version.ours(&channels), Adapter::Blocking);
    // Now channel 1 has had its share, and channel 2 goes first.
    start_go(&link, &[(1, 50_000)]);
    arrives_here(&mut end, &[(1, 50_000)]);
    start_go(&link, &[(2, 100_000)]);
    link.tell("wait");
    assert_eq!(link.next(), GoEvent::Idle);
    start_go(&link, &[(1, 0)]);
    arrives_here(&mut end, &[(2, 100_000)]);
    link.tell("wait");
    assert_eq!(link.next(), GoEvent::Idle);
    link.tell("status");
    let GoEvent::Status { running: true, status } = link.next() else { panic!("no status") };
    let seen: Vec<_> = status.iter().map(|channel| (channel.id, channel.queued, channel.can_send)).collect();
    assert_eq!(seen, [(1, 1, false), (2, 0, true)]);
    link.tell("flush_stop");
    assert!(end.recv().is_none(), "the empty message came after all");
    assert!(end.closed_within(PATIENCE).is_some());
}
