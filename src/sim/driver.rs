//! How one side of a pair is driven, and how its user behaves.

use crate::time::Duration;

/// The driver of one machine and the user behind it.
///
/// The default is exact: it wakes at deadlines, when bytes can be read or written, when the user does something, and at no
/// other moment. What it does not do shows what a machine needs: a wake that it forgot to ask for is a run that stands still.
///
/// ```
/// use mconn::sim::{Driver, Reader};
/// use mconn::time::Duration;
///
/// let mut driver = Driver::exact().ticks(Duration::from_millis(30));
/// driver.reader = Reader { rest: Duration::from_secs(1), batch: 2 }; // at most two messages, then up to 2 s of sleep
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Driver {
    /// Also wake at random moments, on average this far apart.
    pub ticks: Option<Duration>,
    /// How late the driver may be at a deadline, at most.
    pub lateness: Duration,
    /// How far the clock may be off, each time it is read, in either direction: time that jumps and goes back.
    pub clock_error: Duration,
    /// The most bytes in one read.
    pub read_size: usize,
    /// The most bytes of output that are asked for at once.
    pub write_size: usize,
    /// Whether output is pulled packet by packet ([`poll_transmit`](crate::machine::Machine::poll_transmit)) and not in batches.
    pub packet_by_packet: bool,
    /// Whether the peer's reads fail after an end that is not orderly, where otherwise they find the end of the stream.
    pub resets: bool,
    /// How long the driver waits after an orderly end for the peer to close its side, at most.
    pub linger: Duration,
    /// How the user takes messages.
    pub reader: Reader,
}

/// How a user takes messages.
///
/// ```
/// use mconn::sim::Reader;
/// assert_eq!(Reader::default(), Reader::eager());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The average sleep after taking messages; each is drawn from zero to twice this.
    pub rest: Duration,
    /// Messages taken before it sleeps.
    pub batch: u32,
}

impl Reader {
    /// Takes every message at once.
    #[must_use]
    pub const fn eager() -> Self {
        Self { rest: Duration::ZERO, batch: u32::MAX }
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self::eager()
    }
}

impl Default for Driver {
    fn default() -> Self {
        Self::exact()
    }
}

impl Driver {
    /// Wakes exactly when there is a reason, and reads an exact clock.
    #[must_use]
    pub const fn exact() -> Self {
        Self {
            ticks: None,
            lateness: Duration::ZERO,
            clock_error: Duration::ZERO,
            read_size: 64 << 10,
            write_size: 64 << 10,
            packet_by_packet: false,
            resets: false,
            linger: Duration::from_secs(60),
            reader: Reader::eager(),
        }
    }

    /// Wakes at random moments in addition, on average `apart`.
    #[must_use]
    pub const fn ticks(mut self, apart: Duration) -> Self {
        self.ticks = Some(apart);
        self
    }
}
