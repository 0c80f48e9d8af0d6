//! How an endpoint behaves.

use core::fmt;
use core::time::Duration;

use crate::sliding_window::{Config, ConfigError};

/// How an endpoint behaves.
///
/// All fields are public; set what you need. The key must be given, because nothing here draws random numbers.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct EndpointConfig {
    /// Tags, seeds and cookies are made from it. Draw it from a good random source, anew for each endpoint.
    pub key: [u8; 16],
    /// How each session behaves; its tag and its seed are replaced.
    pub session: Config,
    /// Whether sessions that others open are accepted.
    pub accept: bool,
    /// The most sessions at once, whoever opened them.
    pub max_sessions: usize,
    /// The most sessions at once that others have begun to open.
    pub max_half_open: usize,
    /// With so many of these, who opens another must first prove its address with a cookie; 0 asks everybody.
    pub cookies_above: usize,
    /// How long a cookie is good for, at least; at most twice as long.
    pub cookie_lifetime: Duration,
    /// Whether a session follows its peer to another address when a valid packet comes from there. When `false`, such packets
    /// are dropped.
    pub migration: bool,
}

impl EndpointConfig {
    /// Accepts up to 1,024 sessions, 256 of them half open, asks for cookies from the 64th of these on.
    #[must_use]
    pub fn new(key: [u8; 16]) -> Self {
        Self {
            key,
            session: Config::new(1, 0),
            accept: true,
            max_sessions: 1024,
            max_half_open: 256,
            cookies_above: 64,
            cookie_lifetime: Duration::from_secs(10),
            migration: false,
        }
    }

    /// Checks the configuration as the constructor does.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if !self.session.format.is_native() {
            // Sessions are told apart by their tags, which only our own packets have.
            return Err(ConfigError::Unsupported { what: "an endpoint of many sessions" });
        }
        let mut session = self.session.clone();
        session.tag = 1;
        session.validate()?;
        for (name, value) in [("max_sessions", self.max_sessions), ("max_half_open", self.max_half_open)] {
            let (value, min, max) = (value as u64, 1, 1 << 24);
            if value < min || value > max {
                return Err(ConfigError::OutOfRange { name, value, min, max });
            }
        }
        if self.cookie_lifetime.is_zero() {
            return Err(ConfigError::ZeroLimit { name: "cookie_lifetime" });
        }
        Ok(())
    }
}

impl fmt::Debug for EndpointConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the key.
        f.debug_struct("EndpointConfig")
            .field("session", &self.session)
            .field("accept", &self.accept)
            .field("max_sessions", &self.max_sessions)
            .field("max_half_open", &self.max_half_open)
            .field("cookies_above", &self.cookies_above)
            .field("cookie_lifetime", &self.cookie_lifetime)
            .field("migration", &self.migration)
            .finish_non_exhaustive()
    }
}

/// Everything that an endpoint has counted since its start, besides what its sessions count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointCounters {
    /// Sessions that others opened and that were accepted; not all of them became open.
    pub accepted: u64,
    /// Sessions that we opened.
    pub connected: u64,
    /// Sessions that others began to open and that never became open.
    pub half_open_ended: u64,
    /// Calls refused because sessions are not accepted.
    pub not_accepting: u64,
    /// Calls refused because there were as many sessions as there may be.
    pub too_many_sessions: u64,
    /// Calls refused because there were as many half-open sessions as there may be.
    pub too_many_half_open: u64,
    /// Demands for a cookie sent.
    pub retries_sent: u64,
    /// Demands for a cookie not sent because too many waited already.
    pub retries_dropped: u64,
    /// Calls with a cookie that is not good (any more).
    pub bad_cookies: u64,
    /// Peers that were told again that their session has ended: times, not peers.
    pub farewells_repeated: u64,
    /// Datagrams dropped because no session has their tag.
    pub unknown_tag: u64,
    /// Datagrams dropped because they came from an address that is not the session's.
    pub wrong_address: u64,
    /// Sessions that followed their peer to another address.
    pub moved: u64,
    /// Datagrams dropped because they have no valid form.
    pub malformed: u64,
}
