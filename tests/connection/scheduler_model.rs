//! The default scheduler against a plain model of what Go does, over a million packets.

use crate::support::{Rng, machine, ms, quiet, secs};
use bytes::{Buf, Bytes, BytesMut};
use mconn::connection::{ChannelConfig, LeastRecentlySent, Scheduler};
use mconn::machine::Machine;
use mconn::rate::TokenBucket;
use mconn::time::{Duration, Instant};
use std::sync::{Arc, Mutex};

/// `selectChannel` and `updateStats` of `p2p/conn/connection.go @ v0.38`, with a ticker that really ticks.
struct Go {
    recently_sent: Vec<i64>,
    priority: Vec<u32>,
    next_tick: Instant,
}

impl Go {
    fn new(now: Instant, priority: Vec<u32>) -> Self {
        Self { recently_sent: vec![0; priority.len()], priority, next_tick: now + secs(2) }
    }

    fn until(&mut self, now: Instant) {
        while self.next_tick <= now {
            for bytes in &mut self.recently_sent {
                *bytes = (*bytes as f64 * 0.8) as i64;
            }
            self.next_tick += secs(2);
        }
    }

    fn select(&self, pending: impl Fn(usize) -> bool) -> Option<usize> {
        let (mut least, mut chosen) = (f32::MAX, None);
        for channel in 0..self.priority.len() {
            if !pending(channel) {
                continue;
            }
            let ratio = self.recently_sent[channel] as f32 / self.priority[channel] as f32;
            if ratio < least {
                (least, chosen) = (ratio, Some(channel));
            }
        }
        chosen
    }
}

fn priorities(rng: &mut Rng) -> Vec<u32> {
    let most = if rng.one_in(10) { 256 } else { 12 };
    let channels = 1 + rng.below(most);
    let kind = rng.below(4);
    let priority = |rng: &mut Rng| match kind {
        0 => 1,
        1 => 1 + rng.below(10),
        2 => 1 + rng.below(100_000),
        // More than an f32 can tell apart.
        _ => u32::MAX as usize - rng.below(300),
    };
    (0..channels).map(|_| u32::try_from(priority(rng)).unwrap()).collect()
}

/// One run of `packets` packets. The numbers of packets that wait on each channel come and go.
fn run(seed: u64, packets: usize) {
    let mut rng = Rng::new(seed);
    let start = Instant::from_nanos(rng.next() >> 20);
    let priorities = priorities(&mut rng);
    let (mut go, mut ours) = (Go::new(start, priorities.clone()), LeastRecentlySent::new());
    ours.start(start, &priorities);
    let (mut now, mut pending) = (start, vec![0_usize; priorities.len()]);
    let pace = *rng.pick(&[Duration::ZERO, ms(1), ms(40), ms(900), secs(7)]);
    for _ in 0..packets {
        while rng.one_in(2) || pending.iter().all(|&packets| packets == 0) {
            let channel = rng.below(priorities.len());
            if pending[channel] == 0 {
                ours.ready(channel);
            }
            pending[channel] += 1 + rng.below(40);
        }
        now += pace.saturating_mul(rng.below(3) as u32);
        if rng.one_in(5000) {
            now += secs(3000);
        }
        go.until(now);
        let chosen = go.select(|channel| pending[channel] > 0).unwrap();
        assert_eq!(ours.pick(now), Some(chosen), "seed {seed}");
        if rng.one_in(100) {
            let looked_at = rng.below(priorities.len());
            assert_eq!(ours.pick(now), Some(chosen), "asked again");
            assert_eq!(ours.recently_sent(looked_at, now), go.recently_sent[looked_at] as u64, "seed {seed}");
        }
        let bytes = match rng.below(8) {
            0 => 7,
            1 => rng.below(100_000_000),
            _ => 1034,
        };
        go.recently_sent[chosen] += bytes as i64;
        pending[chosen] -= 1;
        ours.sent(chosen, bytes, pending[chosen] > 0);
    }
}

#[test]
fn a_million_packets_are_scheduled_as_go_does() {
    for seed in 0..200 {
        run(seed, 5_000);
    }
}

/// The same with whole machines: what the frames show is what the model says.
#[test]
fn a_machine_sends_in_the_order_of_the_model() {
    for seed in 0..30 {
        let mut rng = Rng::new(seed);
        let priorities: Vec<u32> = (0..1 + rng.below(9)).map(|_| 1 + rng.below(12) as u32).collect();
        let config = |(id, &priority): (usize, &u32)| ChannelConfig::new(id as u8, priority);
        let mut state = machine(quiet(priorities.iter().enumerate().map(config)));
        let (mut go, mut now) = (Go::new(Instant::ZERO, priorities.clone()), Instant::ZERO);
        for _ in 0..700 {
            if rng.one_in(3) {
                let _ = state.try_send(rng.below(priorities.len()) as u8, Bytes::from(vec![0; rng.below(6000)]));
            }
            now += ms(rng.below(300) as u64);
            go.until(now);
            let status = state.status(now);
            let expected = go.select(|channel| status.channels[channel].send_queue_size > 0);
            let frame = state.poll_transmit(now);
            assert_eq!(expected.is_some(), frame.is_some());
            if let (Some(channel), Some(frame)) = (expected, frame) {
                go.recently_sent[channel] += frame.remaining() as i64;
            }
            let sent: Vec<_> = state.status(now).channels.iter().map(|channel| channel.recently_sent as i64).collect();
            assert_eq!(sent, go.recently_sent, "seed {seed}");
        }
    }
}

/// A channel that does not exist is nobody's.
#[test]
fn positions_beyond_the_channels_are_ignored() {
    let mut scheduler = LeastRecentlySent::default();
    scheduler.start(Instant::ZERO, &[1]);
    scheduler.ready(3);
    assert_eq!(scheduler.pick(Instant::ZERO), None);
    scheduler.sent(3, 10, true);
    assert_eq!(scheduler.recently_sent(3, Instant::ZERO), 0);
    scheduler.ready(0);
    assert_eq!(scheduler.pick(Instant::ZERO), Some(0));
    scheduler.sent(0, usize::MAX, false);
    assert_eq!(scheduler.recently_sent(0, Instant::ZERO), i64::MAX as u64, "saturates");
    assert_eq!(scheduler.recently_sent(0, Instant::MAX), 0, "decays to nothing");
    assert_eq!(scheduler.pick(Instant::ZERO), None);
}

#[test]
fn a_copy_goes_its_own_way() {
    let mut one: Box<dyn Scheduler> = Box::new(LeastRecentlySent::new());
    one.start(Instant::ZERO, &[1, 1]);
    one.ready(0);
    let mut two = one.clone();
    one.sent(0, 10, false);
    assert_eq!((one.pick(Instant::ZERO), two.pick(Instant::ZERO)), (None, Some(0)));
}

/// A policy of one's own: each channel in turn. It remembers what it was told.
#[derive(Clone, Debug, Default)]
struct InTurn {
    busy: Vec<usize>,
    told: Arc<Mutex<Vec<(usize, usize, bool)>>>,
}

impl Scheduler for InTurn {
    fn start(&mut self, _: Instant, priorities: &[u32]) {
        assert_eq!(priorities, [9, 1]);
    }
    fn ready(&mut self, channel: usize) {
        assert!(!self.busy.contains(&channel), "it had nothing before");
        self.busy.push(channel);
    }
    fn pick(&mut self, _: Instant) -> Option<usize> {
        self.busy.first().copied()
    }
    fn sent(&mut self, channel: usize, wire_len: usize, more: bool) {
        assert_eq!(self.busy.remove(0), channel, "the last one picked");
        self.told.lock().unwrap().push((channel, wire_len, more));
        if more {
            self.busy.push(channel);
        }
    }
    fn recently_sent(&self, channel: usize, _: Instant) -> u64 {
        100 + channel as u64
    }
    fn boxed_clone(&self) -> Box<dyn Scheduler> {
        Box::new(self.clone())
    }
}

#[test]
fn a_scheduler_of_one_s_own_is_asked_and_told_what_it_must_know() {
    let scheduler = InTurn::default();
    let told = scheduler.told.clone();
    let mut config = quiet([ChannelConfig::new(5, 9), ChannelConfig::new(6, 1)]);
    config.scheduler = Box::new(scheduler);
    config.send_limiter = Box::new(TokenBucket::new(1000, 5000));
    let mut state = machine(config);
    state.try_send(5, vec![0; 2000].into()).unwrap();
    state.try_send(6, vec![0; 1024].into()).unwrap();
    state.try_send(6, vec![0; 1].into()).unwrap();
    // Neither a packet for which there is no room nor one that the limiter holds back was sent.
    let mut out = BytesMut::new();
    assert_eq!(state.transmit_into(Instant::ZERO, &mut out, 1000), 0);
    while state.transmit_into(Instant::ZERO, &mut out, 1100) > 0 {}
    assert_eq!(*told.lock().unwrap(), [(0, 1034, true), (1, 1036, true), (0, 988, false), (1, 10, false)]);
    state.try_send(6, vec![0; 5000].into()).unwrap();
    while state.transmit_into(Instant::ZERO, &mut out, 100_000) > 0 {}
    assert_eq!(told.lock().unwrap().split_off(4), [(1, 1034, true)]);
    assert_eq!(state.status(Instant::ZERO).channels[1].recently_sent, 101);
}
