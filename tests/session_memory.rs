//! The memory of a whole session, measured by an allocator that counts.

#[path = "support/counting.rs"]
mod counting;

use bytes::Bytes;
use counting::measure;
use mconn::machine::Machine;
use mconn::sliding_window::congestion::Algorithm;
use mconn::sliding_window::endpoint::{self, Endpoint, EndpointConfig};
use mconn::sliding_window::packet::{Data, FramesPacket, Packet, Piece, PieceFlags, Writer, decode, seal};
use mconn::sliding_window::{Config, Delivery, Input, SendOptions, SlidingWindow};
use mconn::time::{Duration, Instant};

fn config(side: u64) -> Config {
    let mut config = Config::new(10 + side, side);
    config.delivery = Delivery::Pull;
    config.congestion = Algorithm::Fixed { bytes: 1 << 24, packets: 1 << 14 };
    config
}

/// What the documents promise, besides the messages that the caller queues.
fn promised(config: &Config) -> usize {
    let (receive, send) = (config.receive, config.send);
    let receiving = 2 * receive.max_bytes + 2 * receive.max_message + 48 * receive.max_messages;
    let slots = receive.window * (300 + config.max_datagram.min(2048));
    let sending = 200 * (send.max_messages + send.max_receipts + send.window);
    receiving + slots + sending + 250 * config.recovery.max_tracked + 16_384
}

struct Pair {
    now: Instant,
    sides: [SlidingWindow; 2],
    buffer: Vec<u8>,
    taken: usize,
}

impl Pair {
    fn new(configs: [Config; 2]) -> Self {
        let now = Instant::ZERO;
        let [alice, bob] = configs;
        let sides = [SlidingWindow::connect(alice, now).unwrap(), SlidingWindow::listen(bob, now).unwrap()];
        Self { now, sides, buffer: vec![0; 65_536], taken: 0 }
    }

    /// Carries all that there is, except every so many datagrams.
    fn exchange(&mut self, lose: usize) {
        self.now += Duration::from_millis(1);
        let mut count = 0;
        for from in 0..2 {
            loop {
                let len = self.sides[from].transmit_into(self.now, &mut self.buffer);
                if len == 0 {
                    break;
                }
                count += 1;
                if lose == 0 || count % lose != 0 {
                    self.sides[1 - from].handle(self.now, Input::Datagram(&self.buffer[..len]));
                }
            }
        }
        for side in &mut self.sides {
            side.handle_timeout(self.now);
            while side.poll_event().is_some() {}
            while side.receive_with(self.now, |_, _| ()).is_some() {
                self.taken += 1;
            }
        }
    }

    fn send(&mut self, message: &Bytes) -> bool {
        self.sides[0].try_send(self.now, message.clone(), &SendOptions::ORDERED).is_ok()
    }
}

#[test]
fn a_fresh_session_is_small() {
    let (_session, used) = measure(|| SlidingWindow::connect(config(0), Instant::ZERO).unwrap());
    assert!(used.peak <= 4096, "{used:?}");
}

/// Both ends, with lost packets, acknowledgements, credit and keepalives: after the first rounds the heap is left alone.
#[test]
fn nothing_is_allocated_per_packet_or_message() {
    for lose in [0, 7] {
        let mut pair = Pair::new([config(0), config(1)]);
        let payload = Bytes::from(vec![7; 3000]);
        let run = |pair: &mut Pair, rounds: usize| {
            for _ in 0..rounds {
                for len in [64, 64, 1024, 3000, 0] {
                    pair.send(&payload.slice(..len));
                }
                pair.exchange(lose);
            }
        };
        run(&mut pair, 2000);
        let before = pair.taken;
        let ((), used) = measure(|| run(&mut pair, 2000));
        assert!(pair.taken > before + 9000);
        // Lost packets may make a queue grow once more than ever before.
        assert!(used.calls <= if lose == 0 { 0 } else { 3 }, "{lose}: {used:?}");
    }
}

/// A queue that is full to the brim over a network that loses everything, then half of everything.
#[test]
fn a_full_sender_stays_within_the_formula() {
    let allowed = promised(&config(0)) + promised(&config(1));
    let (_, used) = measure(|| {
        let mut pair = Pair::new([config(0), config(1)]);
        pair.exchange(0);
        pair.exchange(0);
        let payload = Bytes::from(vec![7; 1000]);
        for lose in [1, 2, 3] {
            for _ in 0..300 {
                while pair.send(&payload) {}
                pair.exchange(lose);
            }
        }
        pair
    });
    assert!(used.peak <= allowed, "{used:?} of {allowed}");
}

/// A peer that knows the tag leaves the first segment out and sends all others, small and large, again and again.
#[test]
fn a_hostile_peer_stays_within_the_formula() {
    for size in [0, 1, 1100] {
        let mut pair = Pair::new([config(0), config(1)]);
        // The answer tells where the numbers begin.
        let mut buffer = vec![0; 65_536];
        let len = pair.sides[0].transmit_into(pair.now, &mut buffer);
        let Ok(Packet::Syn(hello)) = decode(&buffer[..len]) else { panic!("a call") };
        let (packet, segment) = (hello.initial_packet, hello.initial_segment);
        pair.sides[1].handle(pair.now, Input::Datagram(&buffer[..len]));
        pair.exchange(0);
        let payload = vec![7; size];
        let ((), used) = measure(|| {
            for round in 0..3_u32 {
                for number in (1..10_000_u32).rev() {
                    let mut writer = Writer::new(&mut buffer);
                    FramesPacket::begin(&mut writer, 11, packet.wrapping_add(100 + round * 10_000 + number), true);
                    Data::begin(&mut writer, segment.wrapping_add(number));
                    Piece { flags: PieceFlags::WHOLE, index: 0, payload: &payload, skipped: 0 }.write(&mut writer);
                    let len = writer.finish().unwrap();
                    seal(&mut buffer[..len]);
                    pair.sides[1].handle(pair.now, Input::Datagram(&buffer[..len]));
                }
            }
        });
        assert!(pair.sides[1].status(pair.now).counters.data_received > 3000);
        assert!(used.peak <= promised(&config(1)), "{size}: {used:?} of {}", promised(&config(1)));
    }
}

/// What two endpoints keep of 400 sessions that have come and gone, besides places for the next ones.
fn kept_of_sessions(linger: Duration) -> isize {
    let mut now = Instant::ZERO;
    let [mut server, mut client] = [1, 2].map(|key| {
        let mut config = EndpointConfig::new([key; 16]);
        config.session.linger = linger;
        Endpoint::<u32>::new(config, now).unwrap()
    });
    let mut round = || {
        let keys: Vec<_> = (0..20).map(|_| client.connect(now, 0).unwrap()).collect();
        for key in keys {
            client.with(now, key, |session| {
                session.try_send(now, Bytes::from_static(b"x"), &SendOptions::ORDERED).unwrap();
                session.handle(now, Input::Close);
            });
        }
        while !(client.is_empty() && server.is_empty()) {
            now += Duration::from_millis(1);
            while let Some((_, bytes)) = client.poll_transmit(now) {
                server.handle(now, endpoint::Input::Datagram { from: 1, bytes: &bytes });
            }
            while let Some((_, bytes)) = server.poll_transmit(now) {
                client.handle(now, endpoint::Input::Datagram { from: 0, bytes: &bytes });
            }
            while server.poll_event().is_some() || client.poll_event().is_some() {}
            server.handle_timeout(now);
            client.handle_timeout(now);
        }
    };
    round();
    let ((), used) = measure(|| (0..20).for_each(|_| round()));
    used.kept
}

/// Sessions that come and go leave nothing in their endpoint but a word for peers that have not heard of their end, which is bounded.
#[test]
fn an_endpoint_keeps_little_of_its_sessions() {
    assert_eq!(kept_of_sessions(Duration::ZERO), 0);
    let kept = kept_of_sessions(Duration::from_secs(5));
    assert!(kept <= 2 * 256 * 512, "{kept}");
}
