//! Packets, whole and broken, true and forged, into a session that speaks the original's format.

use bytes::{Bytes, BytesMut};
use mconn::machine::Machine;
use mconn::sliding_window::legacy::{LegacyConfig, LegacyTimeout, Packet, TcpEvent, Timestamp, checksum};
use mconn::sliding_window::{Config, Delivery, Event, Input, SendOptions, SlidingWindow};
use mconn::time::{Duration, Instant};

const NONCES: [&str; 2] = ["DRWeYWrQjEpw5VNaYjwHo1hlU3WO3U", "cHXd5BMa3mRSl2SYCwip6uQgvTyRkV"];
const MAX_BYTES: usize = 2_000;
const MAX_MESSAGE: usize = 300;

struct Fuzzed<'a> {
    input: &'a [u8],
    now: Instant,
    machine: SlidingWindow,
    ended: bool,
    /// Acknowledgements never go back, and never run ahead of what was taken.
    acked: i64,
    taken: i64,
    /// Transmissions that nobody asked for, since the last packet or call.
    unasked: u32,
}

/// Whatever comes: no panic, memory within its bound, packets that keep the rules, and no session that spins.
pub(crate) fn check(data: &[u8]) {
    let Some((choice, input)) = data.split_first() else { return };
    let mut legacy = LegacyConfig::new("A", "B", NONCES[0], Timestamp::new(1_490_000_000, 5));
    if choice & 1 != 0 {
        legacy.timeout = LegacyTimeout::Original;
    }
    let mut config = Config::legacy(legacy);
    (config.receive.window, config.receive.max_bytes, config.receive.max_message) = (6, MAX_BYTES, MAX_MESSAGE);
    (config.send.max_messages, config.send.max_bytes, config.send.max_message) = (8, 4_000, 1_000);
    config.max_datagram = 2_000;
    if choice & 2 != 0 {
        config.delivery = Delivery::Pull;
    }
    let make = if choice & 4 != 0 { SlidingWindow::connect } else { SlidingWindow::listen };
    let machine = make(config, Instant::ZERO).expect("a configuration that works");
    let mut fuzzed = Fuzzed { input, now: Instant::ZERO, machine, ended: false, acked: -1, taken: 0, unasked: 0 };
    if choice & 8 != 0 {
        // Straight into an open session.
        for event in [TcpEvent::Syn, TcpEvent::SynAck, TcpEvent::EstabAck] {
            fuzzed.pull();
            fuzzed.hear(&fuzzed.packet(event));
        }
    }
    while !fuzzed.input.is_empty() {
        fuzzed.step();
        fuzzed.pull();
    }
    fuzzed.end();
}

impl Fuzzed<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.input.split_first().unwrap_or((&0, &[]));
        self.input = rest;
        *first
    }

    /// A number: small ones mostly, sometimes any.
    fn number(&mut self) -> i64 {
        match self.byte() {
            0xff => i64::MAX - i64::from(self.byte()),
            0xfe => i64::MIN + i64::from(self.byte()),
            0xfd => (0..8).fold(0, |number, _| number << 8 | i64::from(self.byte())),
            byte => i64::from(byte) - 4,
        }
    }

    fn packet(&self, event: TcpEvent) -> Packet {
        let dest = if event == TcpEvent::Syn { "" } else { NONCES[0] };
        Packet {
            from: Bytes::from_static(b"B"),
            dest: Bytes::from_static(b"A"),
            from_nonce: Bytes::from_static(NONCES[1].as_bytes()),
            dest_nonce: Bytes::from_static(dest.as_bytes()),
            event,
            sequence: -99,
            sequence_retry: -99,
            available_bytes: 65_536,
            available_messages: 8,
            ..Packet::default()
        }
    }

    fn hear(&mut self, packet: &Packet) {
        let mut wire = BytesMut::new();
        packet.encode(&mut wire).expect("short");
        self.datagram(&wire);
    }

    fn datagram(&mut self, datagram: &[u8]) {
        self.unasked = 0;
        self.machine.handle(self.now, Input::Datagram(datagram));
    }

    fn step(&mut self) {
        match self.byte() % 10 {
            0..=4 => self.some_packet(),
            5 => {
                let len = usize::from(self.byte()).min(self.input.len());
                let (raw, rest) = self.input.split_at(len);
                self.input = rest;
                self.datagram(raw);
            }
            6 => {
                self.unasked = 0;
                let len = usize::from(self.byte()) * 5;
                let options = if len % 2 == 0 { SendOptions::ORDERED } else { SendOptions::ORDERED.with_receipt() };
                let _ = self.machine.try_send(self.now, vec![7; len].into(), &options);
            }
            7 => {
                let wait = Duration::from_millis(u64::from(self.byte()) * 10);
                self.now += wait;
                self.machine.handle_timeout(self.now);
            }
            8 => self.user(),
            _ => {
                if let Some((deadline, _)) = self.machine.poll_timeout() {
                    self.now = self.now.max(deadline);
                    self.machine.handle_timeout(self.now);
                }
            }
        }
    }

    fn user(&mut self) {
        self.unasked = 0;
        match self.byte() % 8 {
            0 => self.machine.handle(self.now, Input::Close),
            1 => self.machine.finish(self.now),
            2 => {
                let before = self.machine.status(self.now).receive.messages_consumed;
                let _ = self.machine.read(self.now, &mut [0; 100]);
                self.taken += (self.machine.status(self.now).receive.messages_consumed - before) as i64;
            }
            3 | 4 => self.taken += i64::from(self.machine.receive(self.now).is_some()),
            5 => drop(self.machine.flush(self.now)),
            6 => {
                let limit = usize::from(self.byte() % 4);
                self.machine.register_asap(limit);
            }
            _ => drop(self.machine.write(self.now, &[9; 2_500])),
        }
    }

    fn some_packet(&mut self) {
        let event = TcpEvent::from(i64::from(self.byte() % 14));
        let mut packet = self.packet(event);
        let fields = self.byte();
        if fields & 1 != 0 {
            packet.ack = self.number();
            packet.ack_retry = self.number();
        }
        if fields & 2 != 0 {
            (packet.available_bytes, packet.available_messages) = (self.number(), self.number());
        }
        if fields & 4 != 0 {
            (packet.rtt_estimate, packet.rtt_deviation, packet.rtt_samples) =
                (self.number(), self.number(), self.number());
        }
        if fields & 8 != 0 {
            packet.data_sent_at = Timestamp::new(self.number().saturating_add(1_490_000_000), 0);
        }
        if fields & 16 != 0 {
            packet.from_nonce = vec![b'a' + self.byte() % 26; 30].into();
        }
        if fields & 32 != 0 {
            packet.dest_nonce = if fields & 64 != 0 { Bytes::new() } else { vec![b'z'; 30].into() };
        }
        if event == TcpEvent::Data {
            packet.sequence = self.number();
            packet.sequence_retry = self.number();
            packet.cumulative_bytes = self.number();
            packet.data = vec![self.byte(); usize::from(self.byte()) * 5 / 4].into();
            packet.checksum = Bytes::copy_from_slice(&checksum(&packet.data));
        }
        self.hear(&packet);
    }

    /// Takes everything that comes out, and looks at it.
    fn pull(&mut self) {
        loop {
            while let Some(event) = self.machine.poll_event() {
                assert!(!self.ended, "{event:?} after the end");
                match event {
                    Event::Message { .. } => self.taken += 1,
                    Event::Closed(_) => self.ended = true,
                    _ => {}
                }
            }
            let Some(datagram) = self.machine.poll_transmit(self.now) else { break };
            self.unasked += 1;
            assert!(self.unasked < 200, "one packet brings no storm");
            self.look(&datagram);
        }
        let held = self.machine.status(self.now).receive.held_bytes as usize;
        assert!(held <= MAX_BYTES + MAX_MESSAGE, "{held}");
        assert_eq!(self.ended, self.machine.is_closed());
    }

    fn look(&mut self, datagram: &[u8]) {
        assert!(!self.ended && datagram.len() <= 2_000);
        let (packet, rest) = Packet::decode(datagram).expect("our own packet");
        assert!(rest.is_empty() && packet.checksum_matches());
        assert_eq!((packet.rtt_estimate, packet.rtt_deviation, packet.rtt_samples), (0, 0, 0));
        assert!(packet.available_bytes >= 0 && packet.available_messages >= 1);
        assert!(packet.ack >= self.acked && packet.ack < self.taken, "{} {} {}", packet.ack, self.acked, self.taken);
        self.acked = packet.ack;
        assert_eq!(packet.event == TcpEvent::Data, packet.sequence >= 0);
        assert_eq!(packet.event == TcpEvent::Syn, packet.dest_nonce.is_empty());
    }

    /// The user closes, nobody answers any more: it ends, unless it listens; and it ends in few steps.
    fn end(&mut self) {
        self.machine.handle(self.now, Input::Close);
        for _ in 0..2_000 {
            self.unasked = 0;
            while self.machine.receive(self.now).is_some() {
                self.taken += 1;
            }
            self.pull();
            let Some((deadline, _)) = self.machine.poll_timeout() else { break };
            self.now = self.now.max(deadline);
            self.machine.handle_timeout(self.now);
        }
        self.pull();
        assert!(self.machine.is_closed(), "{:?}", self.machine.status(self.now));
    }
}
