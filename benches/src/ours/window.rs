//! Two sessions of the sliding window on one thread: queue, packets, acknowledgements, credit, delivery.

use bytes::Bytes;
use mconn::machine::Machine;
use mconn::sliding_window::congestion::Algorithm;
use mconn::sliding_window::{Config, Delivery, Event, Input, PacketFormat, SendOptions, SlidingWindow};
use mconn::time::{Duration, Instant};

use crate::clock::Clock;
use crate::contender::{Contender, Cost};
use crate::load::{Load, MIB};
use crate::peers::datagram::{MTU, WINDOW};

/// The name in the table: without the check over each datagram.
pub const NAME: &str = "mconn";
/// The name in the table: with CRC32C over each datagram.
pub const CHECKED: &str = "mconn, CRC32C";
/// The name in the table: each message in memory of its own.
pub const OWNED: &str = "mconn, owned";

/// Datagrams that are made before the other end is served.
const BATCH: usize = 64;

fn config(tag: u64, check: bool, owned: bool) -> Config {
    let mut config = Config::new(tag, tag);
    config.format = PacketFormat::Native { check };
    config.max_datagram = MTU;
    config.congestion = Algorithm::Fixed { bytes: 8 * MIB as u64, packets: WINDOW.into() };
    config.delivery = if owned { Delivery::Events } else { Delivery::Pull };
    config.keepalive = None;
    config.send.max_bytes = 8 * MIB;
    config.send.max_messages = 16 * usize::from(WINDOW);
    config.receive.max_bytes = 8 * MIB;
    config.receive.max_messages = 16 * usize::from(WINDOW);
    config
}

/// Both ends, connected.
#[derive(Debug)]
pub struct Windows {
    name: &'static str,
    size: usize,
    message: Bytes,
    from: SlidingWindow,
    to: SlidingWindow,
    wire: Vec<u8>,
    lengths: Vec<usize>,
    now: Instant,
    /// Messages and bytes that have arrived.
    arrived: (u64, u64),
}

impl Windows {
    /// Messages of `size` bytes, lent to who takes them.
    #[must_use]
    pub fn boxed(size: usize) -> Box<dyn Contender> {
        Box::new(Self::new(NAME, size, false, false))
    }

    /// The same with the check.
    #[must_use]
    pub fn checked(size: usize) -> Box<dyn Contender> {
        Box::new(Self::new(CHECKED, size, true, false))
    }

    /// The same without the check, each message in memory of its own.
    #[must_use]
    pub fn owned(size: usize) -> Box<dyn Contender> {
        Box::new(Self::new(OWNED, size, false, true))
    }

    /// Two sessions that have shaken hands.
    ///
    /// # Panics
    /// When they do not.
    #[must_use]
    pub fn new(name: &'static str, size: usize, check: bool, owned: bool) -> Self {
        let now = Instant::ZERO;
        let from = SlidingWindow::connect(config(1, check, owned), now).expect("a valid configuration");
        let to = SlidingWindow::listen(config(2, check, owned), now).expect("a valid configuration");
        let mut windows = Self {
            name,
            size,
            message: Load::new(size, 1, 1).message(),
            from,
            to,
            wire: vec![0; BATCH * MTU],
            lengths: Vec::with_capacity(BATCH),
            now,
            arrived: (0, 0),
        };
        while !(windows.from.is_connected() && windows.to.is_connected()) {
            windows.turn();
        }
        windows
    }

    /// Carries what waits on one side to the other.
    fn carry(
        from: &mut SlidingWindow,
        to: &mut SlidingWindow,
        wire: &mut [u8],
        lengths: &mut Vec<usize>,
        now: Instant,
    ) {
        from.transmit_batch(now, wire, lengths, BATCH);
        let mut rest: &[u8] = wire;
        for length in lengths.drain(..) {
            let (datagram, behind) = rest.split_at(length);
            to.handle(now, Input::Datagram(datagram));
            rest = behind;
        }
    }

    fn turn(&mut self) {
        // About the time that a batch takes, so that what happens now and then happens here too.
        self.now += Duration::from_micros(5);
        for end in [&mut self.from, &mut self.to] {
            if end.poll_timeout().is_some_and(|(deadline, _)| deadline <= self.now) {
                end.handle_timeout(self.now);
            }
        }
        Self::carry(&mut self.from, &mut self.to, &mut self.wire, &mut self.lengths, self.now);
        self.take();
        Self::carry(&mut self.to, &mut self.from, &mut self.wire, &mut self.lengths, self.now);
        while let Some(event) = self.from.poll_event() {
            assert!(matches!(event, Event::Connected | Event::Writable), "{event:?}");
        }
    }

    fn take(&mut self) {
        while let Some(event) = self.to.poll_event() {
            match event {
                Event::Message { payload, .. } => {
                    self.arrived.0 += 1;
                    self.arrived.1 += payload.len() as u64;
                }
                Event::Connected | Event::Readable => {}
                event => panic!("{event:?}"),
            }
        }
        while let Some(length) = self.to.receive_with(self.now, |_, message| message.len()) {
            self.arrived.0 += 1;
            self.arrived.1 += length as u64;
        }
    }

    /// Sends so many messages and takes them at the other end.
    pub fn transfer(&mut self, messages: u64) {
        let wanted = self.arrived.0 + messages;
        let options = SendOptions::default();
        let mut left = messages;
        while self.arrived.0 < wanted {
            while left > 0 && self.from.try_send(self.now, self.message.clone(), &options).is_ok() {
                left -= 1;
            }
            self.turn();
        }
    }
}

impl Contender for Windows {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&mut self, operations: u64) -> Cost {
        let before = self.arrived;
        let (time, ()) = Clock::Thread.time(|| self.transfer(operations));
        assert_eq!(self.arrived, (before.0 + operations, before.1 + operations * self.size as u64), "lost bytes");
        Cost { operations, time }
    }
}
