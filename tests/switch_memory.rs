//! The memory of a switch: what a stranger costs, and that nothing stays of it.
#![cfg(feature = "peer")]

#[path = "support/counting.rs"]
mod counting;

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use counting::live;
use mconn::connection::ChannelConfig;
use mconn::peer::pex::{PexConfig, PexReactor};
use mconn::peer::switch::{Command, Context, Switch};
use mconn::peer::{NodeInfo, Reactor};
use mconn::secret::{EphemeralSecret, NodeId, NodeKey};
use mconn::time::{Duration, Instant};

struct Large;

impl Reactor for Large {
    fn channels(&self) -> Vec<ChannelConfig> {
        (0x20..0x28).map(|id| ChannelConfig::new(id, 1)).collect()
    }

    fn receive(&mut self, _: &mut Context<'_>, _: NodeId, _: u8, _: Bytes) {}
}

fn switch() -> Switch {
    let key = NodeKey::from_seed(&[1; 32]);
    let mut builder = Switch::builder(key.clone(), NodeInfo::new(key.id(), "chain", []));
    builder.add_reactor(Large).unwrap();
    builder.add_reactor(PexReactor::new(key.id(), PexConfig::default(), 1)).unwrap();
    builder.build(1, Instant::ZERO).unwrap()
}

fn stranger(number: u32) -> (SocketAddr, EphemeralSecret) {
    let [a, b, c, d] = number.to_be_bytes();
    (SocketAddr::from(([a, b, c, d], 1)), EphemeralSecret::from_random(&[d | 1; 32]))
}

/// The first message of a peer, with a good key.
fn hello() -> BytesMut {
    let mut hello = BytesMut::from(&[0x22, 0x0a, 0x20][..]);
    hello.extend_from_slice(&[9; 32]);
    hello
}

#[test]
fn a_stranger_costs_less_than_four_kib() {
    let mut switch = switch();
    let before = live();
    let mut budget = 0;
    for number in 1..=64 {
        let (from, ephemeral) = stranger(number);
        let connection = switch.accepted(Instant::ZERO, from, ephemeral).unwrap();
        budget = budget.max(switch.recv_budget(Instant::ZERO, connection));
        if number % 2 == 0 {
            switch.received(Instant::ZERO, connection, &mut hello(), false);
        }
    }
    let each = (live() - before) / 64;
    assert!(each + budget < 4096, "{each} bytes, and {budget} in the driver's buffer");
}

#[test]
fn a_hundred_thousand_aborted_handshakes_leave_nothing() {
    let mut switch = switch();
    let mut now = Instant::ZERO;
    let mut after_first = None;
    for number in 1..=100_000_u32 {
        let (from, ephemeral) = stranger(number);
        let connection = switch.accepted(now, from, ephemeral).unwrap();
        match number % 100 {
            0 => switch.received(now, connection, &mut hello(), true),
            1 => switch.received(now, connection, &mut BytesMut::from(&[b'G'; 100][..]), false),
            2 => {
                now += Duration::from_secs(21);
                switch.handle_timeout(now);
            }
            _ => switch.transport_failed(now, connection),
        }
        let mut hung_up = false;
        while let Some(command) = switch.poll_command() {
            hung_up |= command == Command::HangUp { connection, flush: false };
        }
        while switch.poll_event().is_some() {}
        assert!(hung_up, "{number}");
        if number % 1000 == 0 {
            assert_eq!(live(), *after_first.get_or_insert_with(live), "after {number}");
        }
    }
}
