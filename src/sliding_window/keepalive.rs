//! Whether the peer is there: asking when nothing was said for long, and giving up after too much silence.

use core::time::Duration;

use crate::time::Instant;

/// The moments of the last words on both sides, and what follows from them.
#[derive(Clone, Debug)]
pub(crate) struct Keepalive {
    interval: Option<Duration>,
    idle_timeout: Option<Duration>,
    heard: Instant,
    said: Instant,
    ping_due: bool,
}

impl Keepalive {
    pub(crate) const fn new(interval: Option<Duration>, idle_timeout: Option<Duration>, now: Instant) -> Self {
        Self { interval, idle_timeout, heard: now, said: now, ping_due: false }
    }

    /// A valid packet of the peer has come: nobody needs to ask.
    #[inline]
    pub(crate) const fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.ping_due = false;
    }

    /// A packet was sent that the peer acknowledges.
    #[inline]
    pub(crate) const fn said(&mut self, now: Instant) {
        self.said = now;
        self.ping_due = false;
    }

    pub(crate) const fn ping_due(&self) -> bool {
        self.ping_due
    }

    pub(crate) const fn last_heard(&self) -> Instant {
        self.heard
    }

    /// When to ask next; `None` while a question waits to be sent.
    #[inline]
    pub(crate) fn keepalive_deadline(&self) -> Option<Instant> {
        let interval = self.interval.filter(|_| !self.ping_due)?;
        Some(self.heard.max(self.said) + interval)
    }

    #[inline]
    pub(crate) fn idle_deadline(&self) -> Option<Instant> {
        self.idle_timeout.map(|timeout| self.heard + timeout)
    }

    /// Makes a question due; `Some` when the peer has been silent for too long.
    pub(crate) fn on_timeout(&mut self, now: Instant) -> Option<Duration> {
        if self.keepalive_deadline().is_some_and(|deadline| deadline <= now) {
            self.ping_due = true;
        }
        let is_silent = self.idle_deadline().is_some_and(|deadline| deadline <= now);
        self.idle_timeout.filter(|_| is_silent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_secs(seconds)
    }

    fn seconds(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    #[test]
    fn it_asks_only_after_silence_on_both_sides() {
        let mut keepalive = Keepalive::new(seconds(10), seconds(30), at(0));
        keepalive.heard(at(4));
        keepalive.said(at(6));
        assert_eq!(keepalive.keepalive_deadline(), Some(at(16)));
        assert_eq!((keepalive.on_timeout(at(15)), keepalive.ping_due()), (None, false));
        assert_eq!((keepalive.on_timeout(at(16)), keepalive.ping_due()), (None, true));
        assert_eq!(keepalive.keepalive_deadline(), None, "a question that waits needs no wake");
        keepalive.said(at(17));
        assert_eq!((keepalive.ping_due(), keepalive.keepalive_deadline()), (false, Some(at(27))));
    }

    #[test]
    fn it_gives_up_after_silence_of_the_peer_alone() {
        let mut keepalive = Keepalive::new(seconds(10), seconds(30), at(0));
        keepalive.heard(at(5));
        keepalive.said(at(34));
        assert_eq!(keepalive.idle_deadline(), Some(at(35)));
        assert_eq!(keepalive.on_timeout(at(34)), None);
        assert_eq!(keepalive.on_timeout(at(35)), seconds(30));
    }

    #[test]
    fn without_limits_nothing_is_due() {
        let mut keepalive = Keepalive::new(None, None, at(0));
        assert_eq!((keepalive.on_timeout(Instant::MAX), keepalive.ping_due()), (None, false));
        assert_eq!((keepalive.keepalive_deadline(), keepalive.idle_deadline()), (None, None));
    }
}
