//! What became of a datagram, and of all of them.

use core::fmt;

use crate::time::Instant;

/// Why a datagram was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Loss {
    /// By chance.
    Random,
    /// In a burst.
    Burst,
    /// The queue had no room.
    QueueFull,
    /// Larger than the link carries.
    TooLarge,
    /// The link was down.
    Partition,
    /// By a [`Rule`](super::Rule).
    Script,
    /// More was on its way than the link may hold.
    InFlight,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Random => "by chance",
            Self::Burst => "in a burst",
            Self::QueueFull => "the queue is full",
            Self::TooLarge => "too large",
            Self::Partition => "the link is down",
            Self::Script => "by script",
            Self::InFlight => "too much is on its way",
        })
    }
}

/// What becomes of a datagram that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It never arrives.
    Lost(Loss),
    /// It waits until the next one is sent.
    Held,
    /// It arrives.
    Arrives(Passage),
}

/// How a datagram passes through a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Passage {
    /// When it arrives.
    pub at: Instant,
    /// When a second copy of it arrives.
    pub again: Option<Instant>,
    /// How many of its bits are flipped.
    pub flipped: u32,
    /// To how many bytes it is cut.
    pub cut_to: Option<usize>,
    /// Whether it was held up, so that later ones can overtake it.
    pub delayed: bool,
}

impl Passage {
    /// Whether it does not arrive as it was sent.
    #[must_use]
    pub const fn is_damaged(&self) -> bool {
        self.flipped > 0 || self.cut_to.is_some()
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(why) => write!(f, "lost: {why}"),
            Self::Held => f.write_str("held until the next"),
            Self::Arrives(passage) => {
                f.write_str("sent")?;
                match passage.flipped {
                    0 => {}
                    1 => f.write_str(", 1 bit flipped")?,
                    bits => write!(f, ", {bits} bits flipped")?,
                }
                if let Some(len) = passage.cut_to {
                    write!(f, ", cut to {len} bytes")?;
                }
                if passage.delayed {
                    write!(f, ", held up until {}", passage.at)?;
                }
                match passage.again {
                    Some(again) => write!(f, ", doubled at {again}"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// What a link has carried so far. Every datagram that was sent is lost, held, on its way or delivered, and each that was
/// doubled counts once more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkCounters {
    /// Datagrams that were sent.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Datagrams that were delivered, copies included.
    pub delivered: u64,
    /// Their bytes.
    pub delivered_bytes: u64,
    /// Lost by chance.
    pub lost_random: u64,
    /// Lost in a burst.
    pub lost_burst: u64,
    /// Lost because the queue was full.
    pub lost_queue: u64,
    /// Lost because they were too large.
    pub lost_size: u64,
    /// Lost because the link was down.
    pub lost_partition: u64,
    /// Lost by a script.
    pub lost_script: u64,
    /// Lost because too much was on its way.
    pub lost_in_flight: u64,
    /// Datagrams that were doubled.
    pub duplicated: u64,
    /// Datagrams with flipped bits.
    pub corrupted: u64,
    /// Datagrams that were cut short.
    pub truncated: u64,
    /// Datagrams that were held up.
    pub delayed: u64,
    /// Deliveries of a datagram that was sent before one that had been delivered already.
    pub overtaken: u64,
    /// The most bytes that were in the queue.
    pub queue_peak: usize,
    /// The most memory that datagrams on their way took, in bytes.
    pub in_flight_peak: usize,
}

impl LinkCounters {
    /// Datagrams that were lost, for whatever reason.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost_random
            .saturating_add(self.lost_burst)
            .saturating_add(self.lost_queue)
            .saturating_add(self.lost_size)
            .saturating_add(self.lost_partition)
            .saturating_add(self.lost_script)
            .saturating_add(self.lost_in_flight)
    }

    /// The share of what was sent that was not lost, in parts per million; a million when nothing was sent.
    #[must_use]
    pub const fn kept(&self) -> u32 {
        let kept = self.sent.saturating_sub(self.lost()) as u128;
        let parts = kept.saturating_mul(1_000_000).checked_div(self.sent as u128);
        match parts {
            Some(parts) => parts as u32,
            None => 1_000_000,
        }
    }

    pub(super) const fn lose(&mut self, why: Loss) {
        let counter = match why {
            Loss::Random => &mut self.lost_random,
            Loss::Burst => &mut self.lost_burst,
            Loss::QueueFull => &mut self.lost_queue,
            Loss::TooLarge => &mut self.lost_size,
            Loss::Partition => &mut self.lost_partition,
            Loss::Script => &mut self.lost_script,
            Loss::InFlight => &mut self.lost_in_flight,
        };
        *counter = counter.saturating_add(1);
    }
}

impl fmt::Display for LinkCounters {
    /// One line: the share that was kept, as the original's `Summary`, and what else happened.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.kept();
        let (percent, fraction) = (kept / 10_000, kept % 10_000);
        let passed = self.sent.saturating_sub(self.lost());
        write!(f, "kept {percent}.{fraction:04} % ({passed} of {}), {} bytes", self.sent, self.delivered_bytes)?;
        for (count, what) in [
            (self.lost_random, "lost by chance"),
            (self.lost_burst, "lost in bursts"),
            (self.lost_queue, "lost at the queue"),
            (self.lost_size, "too large"),
            (self.lost_partition, "lost while down"),
            (self.lost_script, "lost by script"),
            (self.lost_in_flight, "lost as too much was on its way"),
            (self.duplicated, "doubled"),
            (self.corrupted, "corrupted"),
            (self.truncated, "cut short"),
            (self.delayed, "held up"),
            (self.overtaken, "overtaken"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}
