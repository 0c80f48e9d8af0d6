//! Cookies: proof that somebody reads what is sent to its address, for which nothing has to be kept.

use core::hash::{Hash, Hasher};
use core::time::Duration;

use siphasher::sip::SipHasher24;

use crate::time::{Instant, nanos};

/// Bytes of a cookie: when it was made, and a code over that, the address and the tag.
pub(super) const LEN: usize = 12;

/// Makes and checks cookies with one key.
#[derive(Clone, Debug)]
pub(super) struct Cookies {
    hasher: SipHasher24,
    lifetime: Duration,
}

impl Cookies {
    pub(super) fn new(key: &[u8; 16], lifetime: Duration) -> Self {
        Self { hasher: SipHasher24::new_with_key(key), lifetime }
    }

    pub(super) fn make<A: Hash>(&self, now: Instant, address: &A, tag: u64) -> [u8; LEN] {
        self.at(self.period(now), address, tag)
    }

    /// Whether a cookie is ours, for this address and tag, and not older than one to two lifetimes.
    pub(super) fn check<A: Hash>(&self, now: Instant, address: &A, tag: u64, cookie: &[u8]) -> bool {
        let Some((made, code)) = cookie.split_first_chunk() else { return false };
        let made = u32::from_le_bytes(*made);
        let is_fresh = self.period(now).wrapping_sub(made) <= 1;
        let expected = self.at(made, address, tag);
        // Compared as a whole number: how long it takes does not tell which byte is wrong.
        is_fresh && expected.get(4..).and_then(as_number) == as_number(code)
    }

    fn at<A: Hash>(&self, period: u32, address: &A, tag: u64) -> [u8; LEN] {
        let mut hasher = self.hasher;
        hasher.write_u32(period);
        hasher.write_u64(tag);
        address.hash(&mut hasher);
        let mut cookie = [0; LEN];
        let (first, last) = cookie.split_at_mut(4);
        first.copy_from_slice(&period.to_le_bytes());
        last.copy_from_slice(&hasher.finish().to_le_bytes());
        cookie
    }

    /// The number of lifetimes since the epoch.
    fn period(&self, now: Instant) -> u32 {
        now.as_nanos().checked_div(nanos(self.lifetime)).unwrap_or(0) as u32
    }
}

fn as_number(code: &[u8]) -> Option<u64> {
    code.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_secs(seconds)
    }

    #[test]
    fn a_cookie_holds_for_its_address_tag_key_and_time() {
        let cookies = Cookies::new(&[7; 16], Duration::from_secs(10));
        let cookie = cookies.make(at(15), &"alice", 5);
        assert!(cookies.check(at(15), &"alice", 5, &cookie));
        assert!(cookies.check(at(29), &"alice", 5, &cookie));
        assert!(!cookies.check(at(30), &"alice", 5, &cookie), "too old");
        assert!(!cookies.check(at(9), &"alice", 5, &cookie), "from the future");
        assert!(!cookies.check(at(15), &"mallory", 5, &cookie));
        assert!(!cookies.check(at(15), &"alice", 6, &cookie));
        assert!(!Cookies::new(&[8; 16], Duration::from_secs(10)).check(at(15), &"alice", 5, &cookie));
    }

    #[test]
    fn every_changed_bit_and_every_other_length_is_refused() {
        let cookies = Cookies::new(&[7; 16], Duration::from_secs(10));
        let cookie = cookies.make(at(15), &1_u64, 5);
        for bit in 0..LEN * 8 {
            let mut changed = cookie;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!cookies.check(at(15), &1_u64, 5, &changed), "bit {bit}");
        }
        for len in 0..LEN {
            assert!(!cookies.check(at(15), &1_u64, 5, &cookie[..len]), "{len} bytes");
        }
        assert!(!cookies.check(at(15), &1_u64, 5, &[&cookie[..], &[0]].concat()));
    }
}
