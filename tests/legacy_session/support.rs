//! A session and a peer of the original that the test writes by hand, or two sessions and a network in between.

use bytes::{Bytes, BytesMut};
use mconn::machine::Machine;
use mconn::sliding_window::legacy::{LegacyConfig, Packet, TcpEvent, Timestamp, checksum, control};
use mconn::sliding_window::{CloseReason, Config, Event, Input, SendOptions, SlidingWindow};
use mconn::time::{Duration, Instant};

pub(crate) const NONCES: [&str; 2] = ["DRWeYWrQjEpw5VNaYjwHo1hlU3WO3U", "cHXd5BMa3mRSl2SYCwip6uQgvTyRkV"];
pub(crate) const NAMES: [&str; 2] = ["A", "B"];

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The wall clock at the start of time.
pub(crate) fn clock() -> Timestamp {
    Timestamp::new(1_490_000_000, 999_000_000)
}

/// The configuration of one side.
pub(crate) fn config(side: usize) -> Config {
    Config::legacy(legacy(side))
}

pub(crate) fn legacy(side: usize) -> LegacyConfig {
    LegacyConfig::new(NAMES[side], NAMES[1 - side], NONCES[side], clock())
}

/// The same with other settings of the original's format.
pub(crate) fn config_with(side: usize, set: impl FnOnce(&mut LegacyConfig)) -> Config {
    let mut legacy = legacy(side);
    set(&mut legacy);
    Config::legacy(legacy)
}

pub(crate) fn decode(datagram: &[u8]) -> Packet {
    let bytes = Bytes::copy_from_slice(datagram);
    let (packet, rest) = Packet::decode_bytes(&bytes).expect("our own packet");
    assert!(rest.is_empty());
    assert_eq!(packet.encoded_len(), datagram.len());
    packet
}

pub(crate) fn encode(packet: &Packet) -> BytesMut {
    let mut out = BytesMut::new();
    packet.encode(&mut out).expect("short names");
    out
}

/// A payload that says which one it is.
pub(crate) fn payload(number: usize, len: usize) -> Bytes {
    (0..len).map(|place| (place * 31 + number * 7 + number / 251) as u8).collect()
}

/// One session, and the peer that the test plays.
pub(crate) struct Solo {
    pub(crate) now: Instant,
    pub(crate) machine: SlidingWindow,
    pub(crate) events: Vec<Event>,
}

impl Solo {
    /// Ours is A and calls.
    pub(crate) fn calling(config: Config) -> Self {
        Self::of(SlidingWindow::connect(config, Instant::ZERO).expect("a configuration that works"))
    }

    /// Ours is A and listens.
    pub(crate) fn listening(config: Config) -> Self {
        Self::of(SlidingWindow::listen(config, Instant::ZERO).expect("a configuration that works"))
    }

    fn of(machine: SlidingWindow) -> Self {
        Self { now: Instant::ZERO, machine, events: vec![] }
    }

    /// Ours has called, and the original's B has answered: its windows are 8 messages and 64 KiB.
    pub(crate) fn called(config: Config) -> Self {
        let mut solo = Self::calling(config);
        assert_eq!(solo.kinds(), [TcpEvent::Syn]);
        solo.hear(&go(TcpEvent::SynAck));
        assert_eq!(solo.kinds(), [TcpEvent::EstabAck]);
        solo
    }

    pub(crate) fn hear(&mut self, packet: &Packet) {
        let datagram = encode(packet);
        self.machine.handle(self.now, Input::Datagram(&datagram));
    }

    /// What it sends now, its events taken.
    pub(crate) fn packets(&mut self) -> Vec<Packet> {
        let mut packets = vec![];
        loop {
            while let Some(event) = self.machine.poll_event() {
                self.events.push(event);
            }
            match self.machine.poll_transmit(self.now) {
                Some(datagram) => packets.push(decode(&datagram)),
                None => return packets,
            }
        }
    }

    pub(crate) fn kinds(&mut self) -> Vec<TcpEvent> {
        self.packets().iter().map(|packet| packet.event).collect()
    }

    /// Answers one packet.
    pub(crate) fn answer(&mut self, packet: &Packet) -> Vec<Packet> {
        self.hear(packet);
        self.packets()
    }

    /// Sleeps from deadline to deadline for so long; everything that it sends.
    pub(crate) fn sleep(&mut self, time: Duration) -> Vec<Packet> {
        let end = self.now + time;
        let mut packets = self.packets();
        while let Some((deadline, _)) = self.machine.poll_timeout().filter(|(deadline, _)| *deadline <= end) {
            self.now = self.now.max(deadline);
            self.machine.handle_timeout(self.now);
            packets.extend(self.packets());
            assert!(packets.len() < 100_000, "it spins");
        }
        self.now = end;
        packets
    }

    pub(crate) fn send(&mut self, message: impl Into<Bytes>) {
        self.machine.try_send(self.now, message.into(), &SendOptions::ORDERED).expect("room for a message");
    }

    pub(crate) fn handle(&mut self, input: Input<'_>) {
        self.machine.handle(self.now, input);
    }

    pub(crate) fn has(&self, event: &Event) -> bool {
        self.events.contains(event)
    }

    pub(crate) fn closed(&self) -> Option<&CloseReason> {
        self.events.iter().find_map(|event| match event {
            Event::Closed(reason) => Some(reason),
            _ => None,
        })
    }

    pub(crate) fn messages(&self) -> Vec<Bytes> {
        let payload = |event: &Event| match event {
            Event::Message { payload, .. } => Some(payload.clone()),
            _ => None,
        };
        self.events.iter().filter_map(payload).collect()
    }
}

/// A packet of the original's B to our A, as its program fills it in.
pub(crate) fn go(event: TcpEvent) -> Packet {
    let (number, ack_retry) = match event {
        TcpEvent::Syn => (control::SYN, 0),
        TcpEvent::KeepAlive => (control::KEEP_ALIVE, control::KEEP_ALIVE),
        TcpEvent::Fin => (control::FIN, control::FIN),
        TcpEvent::SynAck => (control::ACK, control::SYN),
        _ => (control::ACK, control::ACK),
    };
    let is_syn = event == TcpEvent::Syn;
    Packet {
        from: Bytes::from_static(NAMES[1].as_bytes()),
        dest: Bytes::from_static(NAMES[0].as_bytes()),
        from_nonce: Bytes::from_static(NONCES[1].as_bytes()),
        dest_nonce: if is_syn { Bytes::new() } else { Bytes::from_static(NONCES[0].as_bytes()) },
        sequence: number,
        sequence_retry: number,
        ack_retry,
        event,
        available_bytes: if is_syn { 0 } else { 65_536 },
        available_messages: if is_syn { 0 } else { 8 },
        rtt_deviation: if is_syn { 0 } else { 10_000_000 },
        ..Packet::default()
    }
}

/// A data packet of the original.
pub(crate) fn go_data(number: i64, cumulative: i64, data: &[u8]) -> Packet {
    Packet {
        sequence: number,
        sequence_retry: 0,
        ack_retry: 0,
        cumulative_bytes: cumulative,
        data: Bytes::copy_from_slice(data),
        checksum: if data.is_empty() { Bytes::new() } else { Bytes::copy_from_slice(&checksum(data)) },
        ..go(TcpEvent::Data)
    }
}

/// The original's answer to a data packet, when its application has consumed up to `ack`.
pub(crate) fn go_ack(ack: i64, answers: &Packet) -> Packet {
    Packet { ack, ack_retry: answers.sequence_retry, data_sent_at: answers.data_sent_at, ..go(TcpEvent::DataAck) }
}
