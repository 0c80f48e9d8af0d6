//! What time brings.

use super::Legacy;
use super::closing::Life;
use crate::sliding_window::error::CloseReason;
use crate::sliding_window::event::Timer;
use crate::sliding_window::legacy::state_table::TcpState;
use crate::time::Instant;

impl Legacy {
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock(now);
        match self.life {
            Life::Open => {}
            Life::Lingering { until, .. } => {
                if until <= now {
                    self.lingered();
                }
                return;
            }
            Life::Ended(_) | Life::Closed(_) => return,
        }
        self.on_greeting_timeout(now);
        if self.is_established() {
            self.watch_peer(now);
            self.resend(now);
            self.watch_window(now);
        }
        self.on_fin_timeout(now);
        self.after_progress(now);
    }

    /// Says that we are there when nothing else was said; gives up after too much silence.
    fn watch_peer(&mut self, now: Instant) {
        if self.keepalive_deadline().is_some_and(|deadline| deadline <= now) {
            self.due.keepalive = true;
        }
        if let Some(timeout) = self.config.idle_timeout
            && self.heard + timeout <= now
        {
            self.end_by_silence(CloseReason::IdleTimeout { timeout });
        }
    }

    fn keepalive_deadline(&self) -> Option<Instant> {
        let interval = self.config.keepalive.filter(|_| !self.due.keepalive)?;
        Some(self.said + interval)
    }

    fn resend_deadline(&self) -> Option<Instant> {
        self.outgoing.oldest_sent_at().map(|sent_at| self.timeout.deadline(sent_at))
    }

    fn resend(&mut self, now: Instant) {
        if !self.is_open() || self.resend_deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        self.outgoing.on_timeout();
        self.timeout.on_timeout(now);
        self.probes = self.probes.saturating_add(1);
        self.counters.probe_timeouts = self.counters.probe_timeouts.wrapping_add(1);
        self.counters.packets_lost = self.counters.packets_lost.wrapping_add(1);
        if self.unacked.on_unacked(now).is_err()
            && let Some(limit) = self.config.unacked_limit
        {
            self.end(CloseReason::UnackedLimit { packets: limit.packets, window: limit.window });
        } else if self.probes > self.config.max_probes {
            self.end_by_silence(CloseReason::ProbesExhausted { probes: self.probes });
        }
    }

    fn watch_window(&mut self, now: Instant) {
        if let Some(timeout) = self.config.zero_window_timeout
            && self.blocked_since.is_some_and(|since| since + timeout <= now)
        {
            self.end(CloseReason::ZeroWindow { timeout });
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        match self.life {
            Life::Open => {}
            Life::Lingering { until, .. } => return Some((until, Timer::Linger)),
            Life::Ended(_) | Life::Closed(_) => return None,
        }
        let mut next: Option<(Instant, Timer)> = None;
        let mut offer = |deadline: Option<Instant>, timer| {
            if let Some(deadline) = deadline
                && deadline < Instant::MAX
                && next.is_none_or(|(earliest, _)| deadline < earliest)
            {
                next = Some((deadline, timer));
            }
        };
        offer(self.greeting.deadline(), Timer::Handshake);
        offer(self.closing.deadline, Timer::Close);
        if self.is_established() {
            offer(self.resend_deadline(), Timer::Recovery);
            offer(self.closing.next_fin.filter(|_| self.state == TcpState::CloseInitiatorHasSentFin), Timer::Close);
            let may_drain = self.outgoing.is_empty() && !self.incoming.has_gap();
            offer(self.closing.drained_at.filter(|_| may_drain), Timer::Linger);
            let zero_window = self.blocked_since.zip(self.config.zero_window_timeout);
            offer(zero_window.map(|(since, timeout)| since + timeout), Timer::ZeroWindow);
            offer(self.config.idle_timeout.map(|timeout| self.heard + timeout), Timer::Idle);
            offer(self.keepalive_deadline(), Timer::Keepalive);
        }
        next
    }
}
