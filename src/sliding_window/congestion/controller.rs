//! One of the policies.

use alloc::boxed::Box;

use super::{Acked, Bbr, Congestion, Cubic, Fixed, Lost, NewReno, Sent};
use crate::time::Instant;

/// A policy: one of the built-in ones without a virtual call, or the user's.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Controller {
    /// A window that stays as it is.
    Fixed(Fixed),
    /// RFC 9002, appendix B.
    NewReno(NewReno),
    /// RFC 9438.
    Cubic(Cubic),
    /// After BBR. In a box, since it is much larger than the others.
    Bbr(Box<Bbr>),
    /// The user's.
    Custom(Box<dyn Congestion>),
}

/// The same call on whichever policy it is.
macro_rules! each {
    ($self:expr, $policy:ident => $call:expr) => {
        match $self {
            Controller::Fixed($policy) => $call,
            Controller::NewReno($policy) => $call,
            Controller::Cubic($policy) => $call,
            Controller::Bbr($policy) => $call,
            Controller::Custom($policy) => $call,
        }
    };
}

impl Congestion for Controller {
    fn window(&self) -> u64 {
        each!(self, policy => policy.window())
    }

    fn window_packets(&self) -> u64 {
        each!(self, policy => policy.window_packets())
    }

    fn pacing_rate(&self) -> Option<u64> {
        each!(self, policy => policy.pacing_rate())
    }

    fn in_slow_start(&self) -> bool {
        each!(self, policy => policy.in_slow_start())
    }

    fn on_sent(&mut self, sent: &Sent) {
        each!(self, policy => policy.on_sent(sent));
    }

    fn on_ack(&mut self, ack: &Acked) {
        each!(self, policy => policy.on_ack(ack));
    }

    fn on_loss(&mut self, loss: &Lost) {
        each!(self, policy => policy.on_loss(loss));
    }

    fn on_spurious_loss(&mut self, now: Instant) {
        each!(self, policy => policy.on_spurious_loss(now));
    }

    fn boxed_clone(&self) -> Box<dyn Congestion> {
        Box::new(self.clone())
    }
}
