//! What is told of a transfer.

use super::Transfer;
use crate::measure::median;

/// What is told of transfers of messages of one size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// Bytes of messages that arrive in a second, in millions.
    pub megabytes: f64,
    /// Messages that arrive in a second.
    pub messages: f64,
    /// CPU time of the process for each message that arrives, in microseconds.
    pub micros: f64,
    /// The share of the messages that arrives.
    pub share: f64,
}

impl Figures {
    /// Of one transfer.
    #[must_use]
    pub fn of(transfer: &Transfer, size: usize) -> Self {
        let messages = transfer.arrived / transfer.wall.as_secs_f64().max(1e-9);
        Self {
            megabytes: messages * size as f64 / 1e6,
            messages,
            micros: transfer.cpu.as_secs_f64() * 1e6 / transfer.arrived.max(1.0),
            share: transfer.arrived / transfer.sent.max(1) as f64,
        }
    }

    /// The median of each figure.
    #[must_use]
    pub fn median(all: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(all.iter().map(figure).collect());
        Self {
            megabytes: of(|figures| figures.megabytes),
            messages: of(|figures| figures.messages),
            micros: of(|figures| figures.micros),
            share: of(|figures| figures.share),
        }
    }
}

/// Figures of somebody else's measurement, on another machine or another day: the order of size holds, no more.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Whose figures these are.
    pub name: &'static str,
    /// Bytes of messages in a second, in millions.
    pub megabytes: f64,
    /// CPU time of the process for each message, in microseconds, where it is known.
    pub micros: Option<f64>,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_what_arrived_counts() {
        let (wall, cpu) = (Duration::from_millis(500), Duration::from_millis(100));
        let figures = Figures::of(&Transfer { sent: 2000, arrived: 1000.0, wall, cpu }, 1200);
        assert_eq!(figures, Figures { megabytes: 2.4, messages: 2000.0, micros: 100.0, share: 0.5 });
    }
}
