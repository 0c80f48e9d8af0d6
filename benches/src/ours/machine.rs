//! Two machines on one thread and a buffer between them: what a connection costs without any transport.

use bytes::{Bytes, BytesMut};
use mconn::connection::{ChannelConfig, Event, MConnConfig, MConnState};
use mconn::machine::Machine;
use mconn::time::{Duration, Instant};

use crate::clock::Clock;
use crate::contender::{Contender, Cost};
use crate::load::{KIB, Load, MIB};

/// The name in the table.
pub const NAME: &str = "mconn";

/// Bytes that are made at once, as an adapter does it.
pub const BATCH: usize = 64 * KIB;
/// Messages that may wait on all channels together: enough short ones to fill a batch.
const QUEUED_MESSAGES: usize = 1024;

/// A configuration with so many channels, and queues that hold enough to keep them busy.
///
/// # Panics
/// With more than 256 channels.
#[must_use]
pub fn config(channels: usize, busy: usize) -> MConnConfig {
    let queue = (QUEUED_MESSAGES / busy).max(4);
    let channel = |id| {
        ChannelConfig::new(u8::try_from(id).expect("256 channels at most"), 1)
            .send_queue_capacity(queue)
            .send_queue_bytes(4 * MIB)
    };
    MConnConfig::default().channels((0..channels).map(channel))
}

/// How many messages to hand over to an adapter at once: half of what the queue of a channel holds, so that it fills the
/// queue while the other half is sent.
#[must_use]
pub fn batch(load: Load) -> u64 {
    let (by_messages, by_bytes) = (QUEUED_MESSAGES / load.streams / 2, 2 * MIB / load.size);
    by_messages.min(by_bytes).max(1) as u64
}

/// The sending end, and what it still has to send.
#[derive(Debug)]
pub struct Sender {
    machine: MConnState,
    message: Bytes,
    /// Messages left, per busy channel.
    left: Vec<u64>,
}

impl Sender {
    /// An end with `channels` channels, on which nothing is to be sent yet.
    ///
    /// # Panics
    /// With more than 256 channels.
    #[must_use]
    pub fn new(channels: usize, busy: usize, size: usize) -> Self {
        let machine = MConnState::new(config(channels, busy), Instant::ZERO).expect("a valid configuration");
        let message = Load::new(size, busy, 0).message();
        Self { machine, message, left: vec![0; busy] }
    }

    /// Has a load to send.
    pub fn begin(&mut self, load: Load) {
        self.left.fill(load.per_stream);
    }

    /// Fills the queues, then makes the next bytes. `false` when all is sent.
    pub fn produce(&mut self, now: Instant, wire: &mut BytesMut) -> bool {
        for (channel, left) in self.left.iter_mut().enumerate() {
            while *left > 0 && self.machine.try_send(channel as u8, self.message.clone()).is_ok() {
                *left -= 1;
            }
        }
        self.machine.transmit_into(now, wire, BATCH) > 0
    }
}

/// The receiving end.
#[derive(Debug)]
pub struct Receiver {
    machine: MConnState,
}

impl Receiver {
    /// An end with `channels` channels.
    ///
    /// # Panics
    /// With more than 256 channels.
    #[must_use]
    pub fn new(channels: usize) -> Self {
        Self { machine: MConnState::new(config(channels, channels), Instant::ZERO).expect("a valid configuration") }
    }

    /// Takes whole packets from the front of `wire`. Says how many bytes those were, and how many bytes of messages came.
    ///
    /// # Panics
    /// When the connection ends.
    pub fn consume(&mut self, now: Instant, wire: &[u8]) -> (usize, u64) {
        let (mut consumed, mut bytes) = (0, 0);
        loop {
            let taken = self.machine.receive_from(now, &wire[consumed..], false);
            consumed += taken;
            while let Some(event) = self.machine.poll_event() {
                match event {
                    Event::Message { payload, .. } => bytes += payload.len() as u64,
                    event => panic!("{event:?}"),
                }
            }
            if consumed == wire.len() || taken == 0 {
                return (consumed, bytes);
            }
        }
    }
}

/// Both ends.
#[derive(Debug)]
pub struct MachinePair {
    name: &'static str,
    size: usize,
    busy: usize,
    sender: Sender,
    receiver: Receiver,
    wire: BytesMut,
    now: Instant,
}

impl MachinePair {
    /// Messages of `size` bytes on the first `busy` of `channels` channels.
    #[must_use]
    pub fn boxed(name: &'static str, size: usize, busy: usize, channels: usize) -> Box<dyn Contender> {
        Box::new(Self {
            name,
            size,
            busy,
            sender: Sender::new(channels, busy, size),
            receiver: Receiver::new(channels),
            wire: BytesMut::with_capacity(2 * BATCH),
            now: Instant::ZERO,
        })
    }

    fn carry(&mut self, load: Load) -> u64 {
        self.sender.begin(load);
        let mut bytes = 0;
        while self.sender.produce(self.now, &mut self.wire) {
            let (consumed, arrived) = self.receiver.consume(self.now, &self.wire);
            assert_eq!(consumed, self.wire.len(), "packets are whole");
            self.wire.clear();
            bytes += arrived;
            // About the time that a batch takes, so that what happens now and then happens here too.
            self.now += Duration::from_micros(10);
        }
        bytes
    }
}

impl Contender for MachinePair {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&mut self, operations: u64) -> Cost {
        let load = Load::new(self.size, self.busy, operations);
        let (time, bytes) = Clock::Thread.time(|| self.carry(load));
        assert_eq!(bytes, load.bytes(), "mconn lost bytes");
        Cost { operations: load.messages(), time }
    }
}
