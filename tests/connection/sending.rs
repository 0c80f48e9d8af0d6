//! Both ways of sending give the same bytes.

use crate::support::{PING, Rng, feed, machine, ms};
use bytes::{Buf, BytesMut};
use mconn::connection::{ChannelConfig, Direction, FlushPolicy, Input, MConnConfig, MConnState};
use mconn::machine::Machine;
use mconn::rate::{Flowrate, TokenBucket, Unlimited};
use mconn::time::Instant;

fn any_config(rng: &mut Rng) -> MConnConfig {
    let mut config = MConnConfig::cometbft()
        .channels((0..4).map(|id| ChannelConfig::new(60 * id, 1 + u32::from(id)).send_queue_capacity(6)));
    match rng.below(4) {
        0 => config.send_limiter = Box::new(Flowrate::new(1 + rng.below(400_000) as u64)),
        1 => config.send_limiter = Box::new(TokenBucket::new(100_000, 1040 + rng.below(30_000) as u64)),
        2 => {
            config.send_limiter = Box::new(TokenBucket::new(1_000_000, 3000));
            config.packets_per_batch = 1 + rng.below(4) as u32;
        }
        _ => {}
    }
    if rng.one_in(2) {
        config.flush = FlushPolicy::Throttled { interval: ms(20), bytes: 8000 };
    }
    config.send_payload_size = *rng.pick(&[1024, 1024, 10, 3000]);
    config.send_payload_size = config.send_payload_size.min(1024);
    config
}

/// How long the next frame is, whatever holds it back.
fn next_len(state: &MConnState, now: Instant) -> usize {
    let mut copy = state.clone();
    copy.set_limiter(now, Direction::Send, Box::new(Unlimited::new())).unwrap();
    copy.handle(now, Input::CloseAfterFlush { deadline: None });
    copy.poll_transmit(now).map_or(0, |frame| frame.remaining())
}

/// `transmit_into` writes what `poll_transmit` gives one by one, also under limiters and when the transport takes little.
#[test]
fn both_ways_of_sending_give_the_same_bytes() {
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        let config = any_config(&mut rng);
        let (mut by_room, mut by_frame) = (machine(config.clone()), machine(config));
        let mut now = Instant::ZERO;
        for step in 0..60 {
            for _ in 0..rng.below(4) {
                let (channel, payload) = (60 * rng.below(4) as u8, vec![step; rng.below(20_000)]);
                let accepted = by_room.try_send(channel, payload.clone().into()).is_ok();
                assert_eq!(by_frame.try_send(channel, payload.into()).is_ok(), accepted);
            }
            if rng.one_in(5) {
                feed(&mut by_room, now, PING);
                feed(&mut by_frame, now, PING);
            }
            let room = if rng.one_in(3) { usize::MAX } else { rng.below(12_000) };
            let mut written = BytesMut::from("before");
            let len = by_room.transmit_into(now, &mut written, room);
            assert_eq!(len, written.len() - 6);
            let mut pulled = b"before".to_vec();
            loop {
                // A frame that does not fit must stay where it is.
                if pulled.len() - 6 + next_len(&by_frame, now) > room {
                    break;
                }
                let Some(mut frame) = by_frame.poll_transmit(now) else { break };
                pulled.extend(frame.copy_to_bytes(frame.remaining()));
            }
            assert_eq!(written, pulled, "seed {seed}, step {step}");
            assert!(len <= room);
            // Only where a sample ends may differ, as it does between versions of Go: one tells its monitor of each packet.
            let stands = |state: &MConnState| {
                let status = state.status(now);
                (status.channels, status.counters, status.send.bytes, state.poll_timeout(), state.wants_write())
            };
            assert_eq!(stands(&by_room), stands(&by_frame), "seed {seed}, step {step}");
            now += ms(rng.below(90) as u64);
            by_room.handle_timeout(now);
            by_frame.handle_timeout(now);
        }
    }
}
