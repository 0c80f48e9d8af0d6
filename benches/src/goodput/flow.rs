//! One sender and one receiver.

use bytes::Bytes;
use mconn::machine::Machine;
use mconn::sliding_window::congestion::Algorithm;
use mconn::sliding_window::{Config, Delivery, Event, Input, PacketFormat, SendOptions, SlidingWindow};
use mconn::time::{Duration, Instant};

use super::{DATAGRAM, MESSAGE, WINDOW};
use crate::load::MIB;

/// Who decides how much may be in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// A window of 1024 packets, whatever is lost.
    Fixed,
    /// RFC 9002.
    NewReno,
    /// RFC 9438.
    Cubic,
    /// After BBR.
    Bbr,
}

impl Policy {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Fixed, Self::NewReno, Self::Cubic, Self::Bbr];

    fn algorithm(self) -> Algorithm {
        match self {
            Self::Fixed => Algorithm::Fixed { bytes: u64::MAX, packets: WINDOW },
            Self::NewReno => Algorithm::NewReno,
            Self::Cubic => Algorithm::Cubic,
            Self::Bbr => Algorithm::Bbr,
        }
    }
}

/// Two ends; the first always has something to send once it has begun.
#[derive(Debug)]
pub struct Flow {
    /// The end that sends.
    pub from: SlidingWindow,
    /// The end that receives.
    pub to: SlidingWindow,
    /// When it begins to send.
    pub begins: Instant,
    /// Messages that are still to be accepted.
    pub left: u64,
    /// Messages that have arrived.
    pub arrived: u64,
    /// When the handshake was done, and when the last message arrived.
    pub span: Option<(Instant, Instant)>,
    /// Why it ended, if it did.
    pub ended: Option<String>,
    message: Bytes,
}

impl Flow {
    /// A flow whose ends have the tags `2 * number + 1` and `2 * number + 2`.
    ///
    /// # Panics
    /// Never: the configuration is valid.
    #[must_use]
    pub fn new(number: u64, policy: Policy, messages: u64, begins: Instant) -> Self {
        let config = |tag| {
            let mut config = Config::new(tag, tag);
            config.format = PacketFormat::Native { check: true };
            config.max_datagram = DATAGRAM;
            config.congestion = policy.algorithm();
            config.delivery = Delivery::Pull;
            config.idle_timeout = Some(Duration::from_secs(600));
            config.send.max_bytes = 64 * MIB;
            config.send.max_messages = 65_536;
            config.send.window = 65_536;
            config.receive.max_bytes = 64 * MIB;
            config.receive.max_messages = 65_536;
            config.receive.window = 65_536;
            config
        };
        Self {
            from: SlidingWindow::connect(config(2 * number + 1), begins).expect("a valid configuration"),
            to: SlidingWindow::listen(config(2 * number + 2), Instant::ZERO).expect("a valid configuration"),
            begins,
            left: messages,
            arrived: 0,
            span: None,
            ended: None,
            message: Bytes::from(vec![0x5a; MESSAGE]),
        }
    }

    /// Fills the queue, takes what has arrived, and looks at what happened.
    pub fn serve(&mut self, now: Instant) {
        let options = SendOptions::default();
        while self.left > 0 && self.from.try_send(now, self.message.clone(), &options).is_ok() {
            self.left -= 1;
        }
        while let Some(event) = self.from.poll_event() {
            match event {
                Event::Connected => self.span = Some((now, now)),
                Event::Closed(reason) => self.ended = Some(reason.to_string()),
                _ => {}
            }
        }
        self.take(now);
    }

    fn take(&mut self, now: Instant) {
        while self.to.poll_event().is_some() {}
        while let Some(length) = self.to.receive_with(now, |_, message| message.len()) {
            assert_eq!(length, MESSAGE, "a message was cut");
            self.arrived += 1;
            self.span = self.span.map(|(begun, _)| (begun, now));
        }
    }

    /// Gives a datagram to one of the ends.
    pub fn deliver(&mut self, now: Instant, datagram: &[u8], to_receiver: bool) {
        let end = if to_receiver { &mut self.to } else { &mut self.from };
        end.handle(now, Input::Datagram(datagram));
        self.take(now);
    }

    /// The next moment at which something is due.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        let deadline = |end: &SlidingWindow| end.poll_timeout().map(|(at, _)| at);
        deadline(&self.from).into_iter().chain(deadline(&self.to)).min()
    }
}
