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

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::sliding_window::congestion::tests::{ack, loss};
    use crate::sliding_window::congestion::{Algorithm, DeliveryRate, Setup};
    use crate::time::Duration;

    #[derive(Clone, Debug)]
    enum Told {
        Ack { bytes: u64, rate: Option<(u64, u64)>, sample: Option<u64>, app_limited: bool },
        Loss { bytes: u64, starts_episode: bool, persistent: bool },
        Spurious,
    }

    /// Mostly what happens, now and then what can not.
    fn number() -> impl Strategy<Value = u64> {
        prop_oneof![8 => 0_u64..2_000_000, 1 => any::<u64>(), 1 => Just(u64::MAX), 1 => Just(0)]
    }

    fn told() -> impl Strategy<Value = Vec<Told>> {
        let ack = (number(), prop::option::of((number(), number())), prop::option::of(number()), any::<bool>())
            .prop_map(|(bytes, rate, sample, app_limited)| Told::Ack { bytes, rate, sample, app_limited });
        let loss = (number(), any::<bool>(), prop::bool::weighted(0.1))
            .prop_map(|(bytes, starts_episode, persistent)| Told::Loss { bytes, starts_episode, persistent });
        prop::collection::vec(prop_oneof![6 => ack, 2 => loss, 1 => Just(Told::Spurious)], 1..200)
    }

    fn tell(policy: &mut Controller, told: Told, step: u64) {
        match told {
            Told::Ack { bytes, rate, sample, app_limited } => {
                let mut ack = ack(step * 7, bytes);
                (ack.newest, ack.next_number, ack.app_limited) = (step * 3, step * 3 + 40, app_limited);
                ack.sample = sample.map(Duration::from_nanos);
                ack.round_trip.latest = Duration::from_nanos(sample.unwrap_or(1));
                ack.round_trip.smoothed = ack.round_trip.latest;
                ack.delivery = rate.map(|(rate, in_flight)| DeliveryRate {
                    rate,
                    delivered: bytes,
                    app_limited,
                    in_flight,
                    lost: bytes,
                    prior_delivered: 0,
                });
                policy.on_ack(&ack);
            }
            Told::Loss { bytes, starts_episode, persistent } => {
                let mut loss = loss(step * 7);
                (loss.bytes, loss.lost_since_sent) = (bytes, bytes);
                (loss.starts_episode, loss.persistent) = (starts_episode, persistent);
                policy.on_loss(&loss);
            }
            Told::Spurious => policy.on_spurious_loss(Instant::from_millis(step * 7)),
        }
    }

    proptest! {
        /// RFC 9002 section 7.2: the minimum window; and a policy that is told the same does the same.
        #[test]
        fn no_window_falls_below_two_datagrams_and_no_rate_to_nothing(told in told()) {
            for algorithm in [Algorithm::NewReno, Algorithm::Cubic, Algorithm::Bbr] {
                let mut policy = algorithm.build(&Setup::new(Instant::ZERO, 1_000));
                let mut twin = policy.boxed_clone();
                for (told, step) in told.iter().cloned().zip(1..) {
                    tell(&mut policy, told.clone(), step);
                    prop_assert!(policy.window() >= 2_000, "{policy:?}");
                    prop_assert!(policy.pacing_rate().is_none_or(|rate| rate > 0), "{policy:?}");
                    let mut copy = Controller::Custom(twin);
                    tell(&mut copy, told, step);
                    prop_assert_eq!((policy.window(), policy.pacing_rate()), (copy.window(), copy.pacing_rate()));
                    prop_assert_eq!(policy.in_slow_start(), copy.in_slow_start());
                    let Controller::Custom(copy) = copy else { unreachable!() };
                    twin = copy;
                }
            }
        }
    }
}
