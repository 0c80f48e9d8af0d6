//! The transfer: two machines, two directions of a link, and the time, which jumps from one event to the next.

use bytes::{Bytes, BytesMut};
use mconn::machine::Machine;
use mconn::sim::{DatagramLink, Random};
use mconn::sliding_window::{ConfigError, Event, InitialNumbers, Input, SendOptions, SlidingWindow};
use mconn::time::Instant;

use crate::arguments::Arguments;
use crate::record::Record;

const SENDER: usize = 0;
const RECEIVER: usize = 1;

/// The whole transfer.
pub(crate) fn run(arguments: &Arguments) -> Result<Record, ConfigError> {
    let mut transfer = Transfer::new(arguments)?;
    transfer.feed();
    loop {
        transfer.transmit();
        let Some(next) = transfer.next() else { break };
        transfer.now = next;
        transfer.step();
        if transfer.sessions.iter().all(SlidingWindow::is_closed) {
            break;
        }
    }
    let Transfer { mut record, now, sessions: [sender, receiver], links: [there, back], .. } = transfer;
    record.last = Some([sender.status(now), receiver.status(now)]);
    record.links = Some([*there.counters(), *back.counters()]);
    Ok(record)
}

struct Transfer {
    now: Instant,
    /// The sender and the receiver.
    sessions: [SlidingWindow; 2],
    /// From the sender, and from the receiver.
    links: [DatagramLink; 2],
    /// What is to be sent.
    content: Content,
    message: Option<Bytes>,
    /// What is to arrive.
    expected: Content,
    record: Record,
    buffer: Vec<u8>,
}

impl Transfer {
    fn new(arguments: &Arguments) -> Result<Self, ConfigError> {
        let mut random = Random::new(arguments.seed);
        let now = Instant::ZERO;
        let mut links = || DatagramLink::new(arguments.link(), random.fork());
        let links = [links(), links()];
        let mut sender = arguments.session(1);
        // What stands on the wire is then the number itself.
        sender.initial_numbers = Some(InitialNumbers::new(0, 0));
        let sender = SlidingWindow::connect(sender, now)?;
        let receiver = SlidingWindow::listen(arguments.session(2), now)?;
        let content = Content { random, left: arguments.bytes, message: arguments.message };
        Ok(Self {
            now,
            buffer: vec![0; sender.max_datagram().max(receiver.max_datagram())],
            sessions: [sender, receiver],
            links,
            expected: content.clone(),
            content,
            message: None,
            record: Record::default(),
        })
    }

    /// Gives the sender as many messages as it takes, and closes it after the last.
    fn feed(&mut self) {
        while let Some(message) = self.message.take().or_else(|| self.content.next()) {
            if let Err(refused) = self.sessions[SENDER].try_send(self.now, message, &SendOptions::ORDERED) {
                // The next `Event::Writable` says when there is room again.
                self.message = Some(refused.message);
                return;
            }
        }
        self.sessions[SENDER].handle(self.now, Input::Close);
    }

    /// Puts everything that both sides want to send on the link.
    fn transmit(&mut self) {
        for side in [SENDER, RECEIVER] {
            loop {
                let len = self.sessions[side].transmit_into(self.now, &mut self.buffer);
                let datagram = &self.buffer[..len];
                if datagram.is_empty() {
                    break;
                }
                let fate = self.links[side].send(self.now, datagram);
                if side == SENDER {
                    self.record.sent(self.now, datagram, fate);
                }
            }
        }
        self.record.sample(self.now, &self.sessions[SENDER].status(self.now));
    }

    /// When something happens next.
    fn next(&self) -> Option<Instant> {
        let deadlines = self.sessions.iter().filter_map(|session| session.poll_timeout().map(|(at, _)| at));
        let arrivals = self.links.iter().filter_map(DatagramLink::next_at);
        deadlines.chain(arrivals).min().map(|next| next.max(self.now))
    }

    /// All that happens at this moment.
    fn step(&mut self) {
        for side in [SENDER, RECEIVER] {
            self.sessions[side].handle_timeout(self.now);
            while let Some(datagram) = self.links[1 - side].poll_delivery(self.now) {
                if side == SENDER {
                    self.record.answered(self.now, &datagram);
                }
                self.sessions[side].handle(self.now, Input::Datagram(&datagram));
                self.links[1 - side].recycle(datagram);
            }
            while let Some(event) = self.sessions[side].poll_event() {
                self.take(side, event);
            }
        }
    }

    fn take(&mut self, side: usize, event: Event) {
        match event {
            Event::Connected if side == SENDER => self.record.connected = Some(self.now),
            Event::Writable if side == SENDER => self.feed(),
            Event::Message { payload, .. } if side == RECEIVER => self.compare(&payload),
            Event::Closed(reason) => {
                self.record.reasons[side] = Some(reason);
                self.record.ended = Some(self.now);
            }
            _ => {}
        }
    }

    fn compare(&mut self, payload: &[u8]) {
        if self.expected.next().as_deref() != Some(payload) {
            self.record.differs = true;
            return;
        }
        self.record.received += payload.len() as u64;
        if self.expected.left == 0 {
            self.record.delivered = Some(self.now);
        }
    }
}

/// Messages without a pattern, the same for the sender and for who looks at what has arrived.
#[derive(Clone)]
struct Content {
    random: Random,
    left: u64,
    message: usize,
}

impl Iterator for Content {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let len = self.left.min(self.message as u64);
        if len == 0 {
            return None;
        }
        self.left -= len;
        let mut message = BytesMut::zeroed(len as usize);
        self.random.fill(&mut message);
        Some(message.freeze())
    }
}
