//! Asking a limiter, and not trusting its answer.

use crate::rate::{Grant, Limiter};
use crate::time::{Duration, Instant};

/// A limiter that breaks its promise is asked again after this time, and not at once: a driver must not spin.
const PATIENCE: Duration = Duration::from_millis(1);

/// How many bytes may pass at `now`, at least `max_packet`; or when to ask again, after `now`.
pub(crate) fn ask(limiter: &mut dyn Limiter, now: Instant, max_packet: u64, packets: u32) -> Result<u64, Instant> {
    match limiter.grant(now, max_packet, packets) {
        Grant::Bytes(bytes) if bytes >= max_packet => Ok(bytes),
        Grant::Until(until) if until > now => Err(until),
        _ => Err(now + PATIENCE),
    }
}
