//! A small simulation in virtual time: flows with recovery and acknowledgement state at their ends, and nothing else,
//! over one bottleneck.

use core::cmp::Reverse;
use core::ops::RangeInclusive;
use std::collections::{BinaryHeap, VecDeque};
use std::vec;

use super::*;

/// Bytes of a packet on the wire.
pub(super) const PACKET: usize = 1_200;

#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    /// Bytes per second; 0: no limit.
    pub(super) rate: u64,
    /// Bytes that may wait.
    pub(super) queue: u64,
    /// One way.
    pub(super) delay: Duration,
    /// Packets lost at random of a million, each way.
    pub(super) loss: u64,
    /// Added to each packet's delay at random, up to this.
    pub(super) jitter: Duration,
}

impl Link {
    /// 100 Mbit/s, 20 ms one way, a queue of 125 kB.
    pub(super) fn bottleneck() -> Self {
        Self { rate: 12_500_000, queue: 125_000, delay: Duration::from_millis(20), loss: 0, jitter: Duration::ZERO }
    }

    pub(super) fn unlimited() -> Self {
        Self { rate: 0, ..Self::bottleneck() }
    }

    pub(super) fn losing(self, loss: u64) -> Self {
        Self { loss, ..self }
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(mixed ^ (mixed >> 31)) * u128::from(bound)) >> 64) as u64
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Arrival {
    Packet { number: u64, segment: u64 },
    Ack { ranges: Vec<(u64, u64)>, delay: Duration },
}

pub(super) struct Flow {
    pub(super) recovery: Recovery<u64>,
    acks: AckState,
    starts_at: Instant,
    segments: u64,
    next_segment: u64,
    resend: VecDeque<u64>,
    acked: Vec<bool>,
    oldest: u64,
    probes: u32,
    received: Vec<bool>,
    pub(super) delivered: u64,
    pub(super) finished_at: Option<Instant>,
}

impl Flow {
    pub(super) fn new(algorithm: &Algorithm, segments: u64, starts_at: Instant) -> Self {
        let config = RecoveryConfig { max_datagram: PACKET as u64, ..RecoveryConfig::default() };
        let controller = algorithm.build(&Setup::new(starts_at, PACKET as u64));
        Self {
            recovery: Recovery::new(&config, controller, starts_at),
            acks: AckState::new(&AckConfig::default()),
            starts_at,
            segments,
            next_segment: 0,
            resend: VecDeque::new(),
            acked: vec![false; segments as usize],
            oldest: 0,
            probes: 0,
            received: vec![false; segments as usize],
            delivered: 0,
            finished_at: None,
        }
    }

    fn has_work(&self) -> bool {
        !self.resend.is_empty() || self.next_segment < self.segments
    }

    /// The next segment to send: what was lost first; a probe with nothing else to send repeats the oldest.
    fn pick(&mut self) -> Option<u64> {
        while let Some(segment) = self.resend.pop_front() {
            if !self.acked[segment as usize] {
                return Some(segment);
            }
        }
        if self.next_segment < self.segments {
            self.next_segment += 1;
            return Some(self.next_segment - 1);
        }
        while self.oldest < self.segments && self.acked[self.oldest as usize] {
            self.oldest += 1;
        }
        (self.probes > 0 && self.oldest < self.segments).then_some(self.oldest)
    }

    fn settle(&mut self, outcomes: Told) {
        for outcome in outcomes {
            match outcome {
                Outcome::Lost(segment) if !self.acked[segment as usize] => self.resend.push_back(segment),
                Outcome::Lost(_) => {}
                Outcome::Acked(segment) | Outcome::WasNotLost(segment) => self.acked[segment as usize] = true,
            }
        }
    }

    fn on_ack(&mut self, now: Instant, ranges: Vec<(u64, u64)>, delay: Duration) {
        let mut told = Told::new();
        let idle = !self.has_work();
        let ranges = ranges.into_iter().map(|(low, high)| low..=high);
        self.recovery.on_ack(now, ranges, delay, idle, &mut |outcome| told.push(outcome)).unwrap();
        self.settle(told);
        self.acks.set_round_trip(self.recovery.round_trip().smoothed);
    }

    /// When this flow does something by itself.
    fn next_wake(&self, now: Instant) -> Instant {
        if self.finished_at.is_some() {
            return Instant::MAX;
        }
        let mut wake = self.acks.deadline().unwrap_or(Instant::MAX);
        if now < self.starts_at {
            return self.starts_at;
        }
        if let Some((deadline, _)) = self.recovery.deadline() {
            wake = wake.min(deadline);
        }
        match self.recovery.gate(now, PACKET) {
            Gate::Open if self.has_work() => now,
            Gate::At(moment) if self.has_work() => wake.min(moment),
            _ => wake,
        }
    }
}

pub(super) struct Simulation {
    link: Link,
    random: Random,
    pub(super) flows: Vec<Flow>,
    now: Instant,
    /// When the bottleneck has sent all that waits.
    free_at: Instant,
    arrivals: BinaryHeap<Reverse<(Instant, u64, usize, Arrival)>>,
    sequence: u64,
    pub(super) dropped: u64,
}

impl Simulation {
    pub(super) fn new(link: Link, seed: u64, flows: Vec<Flow>) -> Self {
        Self {
            link,
            random: Random(seed),
            flows,
            now: Instant::ZERO,
            free_at: Instant::ZERO,
            arrivals: BinaryHeap::new(),
            sequence: 0,
            dropped: 0,
        }
    }

    fn arrive(&mut self, flow: usize, left_at: Instant, arrival: Arrival) {
        if self.random.below(1_000_000) < self.link.loss {
            return;
        }
        let jitter = Duration::from_nanos(self.random.below(self.link.jitter.as_nanos() as u64 + 1));
        self.sequence += 1;
        self.arrivals.push(Reverse((left_at + self.link.delay + jitter, self.sequence, flow, arrival)));
    }

    /// A packet enters the bottleneck: it waits, or finds the queue full.
    fn enter(&mut self, flow: usize, arrival: Arrival) {
        if self.link.rate == 0 {
            return self.arrive(flow, self.now, arrival);
        }
        let waiting = (self.free_at - self.now).as_nanos() * u128::from(self.link.rate) / 1_000_000_000;
        if waiting as u64 + PACKET as u64 > self.link.queue {
            self.dropped += 1;
            return;
        }
        let duration = PACKET as u64 * 1_000_000_000 / self.link.rate;
        self.free_at = self.free_at.max(self.now) + Duration::from_nanos(duration);
        self.arrive(flow, self.free_at, arrival);
    }

    fn send(&mut self, index: usize) {
        loop {
            let now = self.now;
            let flow = &mut self.flows[index];
            if now < flow.starts_at || flow.finished_at.is_some() {
                return;
            }
            if flow.probes == 0 && (!flow.has_work() || flow.recovery.gate(now, PACKET) != Gate::Open) {
                return;
            }
            let Some(segment) = flow.pick() else {
                flow.probes = 0;
                return;
            };
            flow.probes = flow.probes.saturating_sub(1);
            let number = flow.recovery.on_sent(now, PACKET, true, segment);
            self.enter(index, Arrival::Packet { number, segment });
        }
    }

    fn acknowledge(&mut self, index: usize) {
        self.flows[index].acks.on_timeout(self.now);
        while self.flows[index].acks.due(self.now) {
            let acks = &mut self.flows[index].acks;
            let ranges = acks.ranges().map(RangeInclusive::into_inner).collect();
            let delay = acks.delay(self.now);
            acks.on_sent_ack();
            self.arrive(index, self.now, Arrival::Ack { ranges, delay });
        }
    }

    fn take(&mut self, index: usize, arrival: Arrival) {
        let flow = &mut self.flows[index];
        match arrival {
            Arrival::Packet { number, segment } => {
                flow.acks.on_packet(self.now, number, true);
                let received = &mut flow.received[segment as usize];
                flow.delivered += u64::from(!*received);
                *received = true;
                if flow.delivered == flow.segments {
                    flow.finished_at.get_or_insert(self.now);
                }
            }
            Arrival::Ack { ranges, delay } => flow.on_ack(self.now, ranges, delay),
        }
    }

    /// Runs until all is delivered, or until then.
    pub(super) fn run(&mut self, until: Instant) {
        while self.flows.iter().any(|flow| flow.finished_at.is_none()) {
            let arrival = self.arrivals.peek().map_or(Instant::MAX, |Reverse(first)| first.0);
            let wake = self.flows.iter().map(|flow| flow.next_wake(self.now)).min().unwrap_or(Instant::MAX);
            let next = arrival.min(wake);
            assert!(next < Instant::MAX, "it stands still");
            if next > until {
                self.now = until;
                return;
            }
            self.now = self.now.max(next);
            while let Some(Reverse(first)) = self.arrivals.peek()
                && first.0 <= self.now
            {
                let Some(Reverse((_, _, flow, arrival))) = self.arrivals.pop() else { break };
                self.take(flow, arrival);
            }
            for index in 0..self.flows.len() {
                let mut told = Told::new();
                let flow = &mut self.flows[index];
                flow.probes += flow.recovery.on_timeout(self.now, &mut |outcome| told.push(outcome));
                flow.settle(told);
                self.acknowledge(index);
                self.send(index);
            }
        }
    }

    /// Bytes per second of one flow, from its start until it had everything, or until now.
    pub(super) fn goodput(&self, index: usize) -> f64 {
        let flow = &self.flows[index];
        let lasted = flow.finished_at.unwrap_or(self.now) - flow.starts_at;
        (flow.delivered * PACKET as u64) as f64 / lasted.as_secs_f64()
    }

    /// Transmissions for each packet delivered.
    pub(super) fn transmissions(&self, index: usize) -> f64 {
        let flow = &self.flows[index];
        flow.recovery.status().counters.packets_sent as f64 / flow.delivered as f64
    }
}

#[test]
fn the_bottleneck_is_as_fast_as_it_says() {
    let fixed = Algorithm::Fixed { bytes: 2_000_000, packets: 100 };
    let link = Link { delay: Duration::from_millis(1), ..Link::bottleneck() };
    let mut simulation = Simulation::new(link, 1, vec![Flow::new(&fixed, 5_000, ms(0))]);
    simulation.run(ms(60_000));
    let goodput = simulation.goodput(0);
    assert!((12_000_000.0..12_500_000.0).contains(&goodput), "{goodput}");
    assert_eq!((simulation.dropped, simulation.transmissions(0)), (0, 1.0));
}
