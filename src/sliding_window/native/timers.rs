//! What time brings.

use super::link::Content;
use super::{Life, Native};
use crate::sliding_window::close::{Progress, Stage};
use crate::sliding_window::error::CloseReason;
use crate::sliding_window::event::Timer;
use crate::sliding_window::handshake::Phase;
use crate::sliding_window::recovery::Outcome;
use crate::time::{Duration, Instant};

impl Native {
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock(now);
        match self.life {
            Life::Open => {}
            Life::Leaving { until, .. } => {
                if until <= now {
                    self.left();
                }
                return;
            }
            Life::Ended(_) | Life::Closed(_) => return,
        }
        if self.handshake.is_established() {
            self.watch_peer(now);
            self.recover(now);
            self.watch_credit(now);
        } else {
            let reaction = self.handshake.on_timeout(now);
            self.react(now, reaction);
        }
        if let Some(link) = &mut self.link {
            link.acks.on_timeout(now);
            link.pace = link.pace.filter(|moment| *moment > now);
        }
        self.sender.expire(now);
        self.after_progress(now);
        self.watch_close(now);
    }

    fn watch_peer(&mut self, now: Instant) {
        if let Some(timeout) = self.keepalive.on_timeout(now) {
            self.end_by_silence(CloseReason::IdleTimeout { timeout });
        }
    }

    fn recover(&mut self, now: Instant) {
        let Some(link) = &mut self.link else { return };
        let (mut lost, mut is_limit_reached) = (0, false);
        let Self { sender, counters, unacked, credit_lost, .. } = self;
        let mut note = |now| is_limit_reached |= unacked.on_unacked(now).is_err();
        let probes = link.recovery.on_timeout(now, &mut |outcome| {
            if let Outcome::Lost(Content { segment, credit, .. }) = outcome {
                if let Some(segment) = segment {
                    sender.on_lost(segment);
                }
                *credit_lost |= credit;
                lost = u64::wrapping_add(lost, 1);
                note(now);
            }
        });
        counters.packets_lost = counters.packets_lost.wrapping_add(lost);
        if probes > 0 {
            counters.probe_timeouts = counters.probe_timeouts.wrapping_add(1);
            note(now);
        }
        link.probes = link.probes.max(probes);
        let count = link.recovery.probe_count();
        if is_limit_reached {
            self.end_by_unacked_limit();
        } else if count > self.config.max_probes {
            self.end_by_silence(CloseReason::ProbesExhausted { probes: count });
        }
    }

    /// Ends the session when the limit on unacknowledged packets is reached.
    pub(super) fn end_by_unacked_limit(&mut self) {
        if let Some(limit) = self.config.unacked_limit {
            self.end(CloseReason::UnackedLimit { packets: limit.packets, window: limit.window });
        }
    }

    fn watch_credit(&mut self, now: Instant) {
        if let Some(timeout) = self.config.zero_window_timeout
            && self.zero_window_deadline().is_some_and(|deadline| deadline <= now)
        {
            self.end(CloseReason::ZeroWindow { timeout });
        }
    }

    fn zero_window_deadline(&self) -> Option<Instant> {
        Some(self.blocked_since? + self.config.zero_window_timeout?)
    }

    fn watch_close(&mut self, now: Instant) {
        if let Some((moment, wait)) = self.done_again
            && moment <= now
        {
            self.done_due = true;
            let wait = wait.max(Duration::from_millis(1)).saturating_mul(2);
            self.done_again = Some((now + wait, wait));
        }
        if self.linger_until.is_some_and(|until| until <= now) {
            // A receipt that is on its way, or lost, is what the peer may still wait for.
            let in_flight = self.link.as_ref().is_some_and(|link| link.recovery.bytes_in_flight() > 0);
            if (in_flight || self.credit_lost) && now < self.receipt_limit {
                let until = now + self.config.linger.max(Duration::from_millis(1));
                self.linger_until = Some(until.min(self.receipt_limit));
                return;
            }
            self.linger_until = None;
            let todo = self.close.on(Progress::LingerOver);
            self.close_step(now, todo);
        }
        if self.close_deadline.is_some_and(|deadline| deadline <= now) && self.close.stage() != Stage::Lingering {
            let unacked_messages = self.sender.buffered_messages();
            self.end(CloseReason::CloseTimeout { timeout: self.config.close_timeout, unacked_messages });
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        match self.life {
            Life::Open => {}
            Life::Leaving { until, .. } => return Some((until, Timer::Linger)),
            Life::Ended(_) | Life::Closed(_) => return None,
        }
        let mut next = Earliest(None);
        // Who lingers has come to the end in time.
        next.offer(self.close_deadline.filter(|_| self.close.stage() != Stage::Lingering), Timer::Close);
        next.offer(self.sender.expiry_deadline(), Timer::Expiry);
        match (&self.link, self.handshake.phase()) {
            (Some(link), Phase::Established) => {
                next.offer(link.recovery.deadline().map(|(moment, _)| moment), Timer::Recovery);
                // What is due already is output, and waits for the transport.
                next.offer(link.acks.deadline(), Timer::Ack);
                next.offer(link.pace.filter(|moment| *moment > self.now), Timer::Pace);
                next.offer(self.linger_until, Timer::Linger);
                next.offer(self.done_again.map(|(moment, _)| moment), Timer::Linger);
                next.offer(self.zero_window_deadline(), Timer::ZeroWindow);
                next.offer(self.keepalive.idle_deadline(), Timer::Idle);
                if self.close.stage() != Stage::Lingering {
                    next.offer(self.keepalive.keepalive_deadline(), Timer::Keepalive);
                }
            }
            _ => next.offer(self.handshake.deadline(), Timer::Handshake),
        }
        next.0
    }
}

/// The earliest of deadlines; of equal ones the first that was offered. One at the end of time never comes.
struct Earliest(Option<(Instant, Timer)>);

impl Earliest {
    #[inline]
    fn offer(&mut self, deadline: Option<Instant>, timer: Timer) {
        if let Some(deadline) = deadline
            && deadline < Instant::MAX
            && self.0.is_none_or(|(earliest, _)| deadline < earliest)
        {
            self.0 = Some((deadline, timer));
        }
    }
}
