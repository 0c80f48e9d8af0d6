//! Numbers that nobody can guess, from the operating system.

use std::io;

use crate::sliding_window::Config;
use crate::sliding_window::endpoint::EndpointConfig;

fn fill(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).map_err(|error| io::Error::other(alloc::format!("no random numbers: {error}")))
}

/// The default configuration of one session, with a tag and a seed from the operating system. Draw a new one for each session.
///
/// # Errors
/// The operating system gives no random numbers.
pub fn fresh_config() -> io::Result<Config> {
    let mut numbers = [[0; 8]; 2];
    fill(numbers.as_flattened_mut())?;
    let [tag, seed] = numbers.map(u64::from_le_bytes);
    // 0 is no tag; it comes once in 2^64 draws.
    Ok(Config::new(tag.max(1), seed))
}

/// The default configuration of an endpoint, with a key from the operating system. Draw a new one for each endpoint.
///
/// # Errors
/// The operating system gives no random numbers.
pub fn fresh_endpoint_config() -> io::Result<EndpointConfig> {
    let mut key = [0; 16];
    fill(&mut key)?;
    Ok(EndpointConfig::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_alike() {
        let (one, other) = (fresh_config().unwrap(), fresh_config().unwrap());
        assert!(one.tag != other.tag && one.seed != other.seed && one.tag != one.seed);
        assert_ne!(fresh_endpoint_config().unwrap().key, fresh_endpoint_config().unwrap().key);
    }
}
