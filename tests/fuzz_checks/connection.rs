//! Bytes into a connection.

use bytes::BytesMut;
use mconn::connection::{ChannelConfig, Event, Input, Liveness, MConnConfig, MConnState};
use mconn::machine::Machine;
use mconn::time::Instant;

/// The first byte chooses a configuration, the second how the rest is cut; the rest is what the peer sends.
pub(crate) fn check(data: &[u8]) {
    let [choice, cut, stream @ ..] = data else { return };
    let whole = run(*choice, stream, stream.len().max(1));
    let pieces = run(*choice, stream, usize::from(*cut).max(1));
    assert_eq!(whole, pieces, "the events depend on how the bytes were cut");
    assert!(matches!(whole.last(), Some(Event::Closed(_))), "the last event is the end");
    assert_eq!(whole.iter().filter(|event| matches!(event, Event::Closed(_))).count(), 1);
}

fn config(choice: u8) -> MConnConfig {
    let mut config = match choice % 3 {
        0 => MConnConfig::default(),
        1 => MConnConfig::tendermint_v0_33(),
        _ => MConnConfig::tendermint_v0_10(),
    }
    .channels([0x00, 0x01, 0x20, 0x7f, 0x80, 0xff].map(|id| ChannelConfig::new(id, 1).recv_message_capacity(2048)));
    config.recv_limiter = Box::new(mconn::rate::Unlimited::new());
    config.max_partial_bytes = Some(4096);
    config.max_packets_without_progress = 5;
    config.max_pings_per_interval = 20;
    if choice & 0x08 != 0 {
        config.inbox_messages = 1;
    }
    if choice & 0x10 != 0 {
        config.liveness = Liveness::PongOnly;
    }
    config
}

/// All events that come of `stream` in pieces of `size` bytes, followed by the end.
fn run(choice: u8, stream: &[u8], size: usize) -> Vec<Event> {
    let mut machine = MConnState::new(config(choice), Instant::ZERO).unwrap();
    let (mut events, mut buffer) = (Vec::new(), BytesMut::new());
    for piece in stream.chunks(size) {
        buffer.extend_from_slice(piece);
        feed(&mut machine, &mut buffer, false, &mut events);
    }
    feed(&mut machine, &mut buffer, true, &mut events);
    events
}

/// Feeds until nothing changes, as every driver does.
fn feed(machine: &mut MConnState, buffer: &mut BytesMut, end: bool, events: &mut Vec<Event>) {
    loop {
        let (bytes_before, events_before) = (buffer.len(), events.len());
        machine.handle(Instant::ZERO, Input::Received { buf: buffer, end });
        events.extend(std::iter::from_fn(|| machine.poll_event()));
        if buffer.len() == bytes_before && events.len() == events_before {
            return;
        }
    }
}
