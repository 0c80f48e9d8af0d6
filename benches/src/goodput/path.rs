//! Flows that share a path, and what comes of it.

use mconn::machine::Machine;
use mconn::sim::{DatagramConfig, DatagramLink, Random};
use mconn::sliding_window::SlidingWindow;
use mconn::time::{Duration, Instant};

use super::MESSAGE;
use super::flow::Flow;

/// What lies between the two ends, the same in both directions but for the bottleneck, which is only there in the direction of
/// the messages.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    /// One way.
    pub latency: Duration,
    /// Bytes per second.
    pub bandwidth: Option<u64>,
    /// Bytes before the bottleneck.
    pub queue: usize,
    /// Datagrams lost at random in either direction, in parts per million.
    pub loss: u32,
    /// The longest additional time; datagrams keep their order.
    pub jitter: Duration,
}

/// What one flow has got.
#[derive(Clone, Debug)]
pub struct Share {
    /// Bytes of messages per second, from the end of the handshake to the last arrival.
    pub goodput: f64,
    /// Data packets sent for each that was needed.
    pub transmissions: f64,
    /// Whether all has arrived.
    pub complete: bool,
    /// Why it ended early, if it did.
    pub ended: Option<String>,
}

/// What a run gave.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// One for each flow.
    pub shares: Vec<Share>,
    /// Virtual time.
    pub time: Duration,
}

/// Runs until all flows have arrived or ended, or `limit` is reached.
#[must_use]
pub fn run(path: Path, mut flows: Vec<Flow>, limit: Duration, seed: u64) -> Outcome {
    let mut random = Random::new(seed);
    let link = || {
        let mut link = DatagramConfig::new().latency(path.latency).loss(path.loss);
        (link.jitter, link.in_flight) = (path.jitter, usize::MAX);
        link
    };
    let there = path.bandwidth.map_or_else(link, |bandwidth| link().bandwidth(bandwidth, path.queue));
    let mut there = DatagramLink::new(there, random.fork());
    let mut back = DatagramLink::new(link(), random.fork());
    let mut buffer = vec![0; 1 << 16];
    let mut now = Instant::ZERO;
    let end = Instant::ZERO + limit;
    while now < end && flows.iter().any(|flow| flow.ended.is_none() && (flow.left > 0 || wanted(flow) > flow.arrived)) {
        for flow in flows.iter_mut().filter(|flow| flow.begins <= now) {
            flow.serve(now);
            send(&mut flow.from, &mut there, &mut buffer, now);
            send(&mut flow.to, &mut back, &mut buffer, now);
        }
        let waking = flows.iter().filter_map(|flow| if flow.begins > now { Some(flow.begins) } else { flow.next_at() });
        let next = waking.chain(there.next_at()).chain(back.next_at()).min();
        let Some(next) = next else { break };
        now = now.max(next);
        deliver(&mut there, &mut flows, now, true);
        deliver(&mut back, &mut flows, now, false);
    }
    let time = now - Instant::ZERO;
    Outcome { shares: flows.iter().map(|flow| share(flow, now)).collect(), time }
}

fn wanted(flow: &Flow) -> u64 {
    flow.from.status(flow.begins).counters.messages_accepted
}

fn send(end: &mut SlidingWindow, link: &mut DatagramLink, buffer: &mut [u8], now: Instant) {
    if end.poll_timeout().is_some_and(|(deadline, _)| deadline <= now) {
        end.handle_timeout(now);
    }
    loop {
        let length = end.transmit_into(now, buffer);
        if length == 0 {
            return;
        }
        let _fate = link.send(now, &buffer[..length]);
    }
}

fn deliver(link: &mut DatagramLink, flows: &mut [Flow], now: Instant, to_receiver: bool) {
    while let Some(datagram) = link.poll_delivery(now) {
        let tag = datagram.get(1..9).and_then(|tag| tag.try_into().ok()).map_or(0, u64::from_le_bytes);
        // The first datagram of a session has no tag yet: it is for the flow that has not been answered.
        let flow = flows.iter_mut().find(|flow| {
            let end = if to_receiver { &flow.to } else { &flow.from };
            end.tag() == tag || (tag == 0 && to_receiver && !flow.to.is_connected())
        });
        if let Some(flow) = flow {
            flow.deliver(now, &datagram, to_receiver);
        }
        link.recycle(datagram);
    }
}

fn share(flow: &Flow, now: Instant) -> Share {
    let counters = flow.from.status(now).counters;
    let needed = flow.from.status(now).send.next_segment.max(1);
    let time = flow.span.map_or(0.0, |(begun, last)| (last - begun).as_secs_f64());
    Share {
        goodput: (flow.arrived * MESSAGE as u64) as f64 / time.max(1e-9),
        transmissions: counters.data_sent as f64 / needed as f64,
        complete: flow.left == 0 && flow.arrived == counters.messages_accepted,
        ended: flow.ended.clone(),
    }
}
