//! Where a node is: `id@host:port`.

use alloc::string::String;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::str::FromStr;

use thiserror::Error;

use crate::secret::NodeId;

/// A host: an IP address, or a name that somebody has to look up. Nothing here does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Host {
    /// An address.
    Ip(IpAddr),
    /// A name, as it was written.
    Name(String),
}

/// The most bytes of a host name in the domain name system.
const MAX_NAME: usize = 253;

impl Host {
    /// Reads what stands before the port.
    fn parse(text: &str, in_brackets: bool) -> Result<Self, AddressError> {
        if text.is_empty() {
            return Err(AddressError::NoHost);
        }
        let bad = || AddressError::Host { found: text.into() };
        match text.parse() {
            // Without brackets nobody knows where it ends.
            Ok(IpAddr::V6(_)) if !in_brackets => return Err(bad()),
            Ok(ip) => return Ok(Self::Ip(ip)),
            Err(_) => {}
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        // A last label of digits alone makes it an IPv4 address, and it is none: "10.0.0.256", "127.1".
        let last = text.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
        let is_number = last.bytes().all(|byte| byte.is_ascii_digit());
        if in_brackets || text.len() > MAX_NAME || is_number || !text.bytes().all(allowed) {
            return Err(bad());
        }
        Ok(Self::Name(text.into()))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
            Self::Ip(ip) => write!(f, "{ip}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A host and a port: `host:port`, where the host is a name, an IPv4 address, or an IPv6 address in brackets.
///
/// A protocol before it (`tcp://`) is passed over, as CometBFT does.
///
/// ```
/// use mconn::peer::{Host, HostPort};
///
/// let address: HostPort = "tcp://[::1]:26656".parse()?;
/// assert_eq!((address.to_string().as_str(), address.port), ("[::1]:26656", 26656));
/// assert_eq!("example.com:1".parse::<HostPort>()?.host, Host::Name("example.com".into()));
/// # Ok::<(), mconn::peer::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort {
    /// The host.
    pub host: Host,
    /// The TCP port.
    pub port: u16,
}

impl HostPort {
    /// The address for a socket, when the host is no name.
    #[must_use]
    pub const fn socket_addr(&self) -> Option<SocketAddr> {
        match self.host {
            Host::Ip(ip) => Some(SocketAddr::new(ip, self.port)),
            Host::Name(_) => None,
        }
    }
}

impl From<SocketAddr> for HostPort {
    fn from(address: SocketAddr) -> Self {
        Self { host: Host::Ip(address.ip()), port: address.port() }
    }
}

impl FromStr for HostPort {
    type Err = AddressError;

    /// Takes what `NewNetAddressString` of `p2p/netaddress.go @ v0.38` takes, but looks up no name.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = without_protocol(text);
        let (host, port, in_brackets) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or_else(|| AddressError::Host { found: text.into() })?;
                (host, port.strip_prefix(':').ok_or(AddressError::NoPort)?, true)
            }
            None => {
                let (host, port) = text.rsplit_once(':').ok_or(AddressError::NoPort)?;
                (host, port, false)
            }
        };
        let host = Host::parse(host, in_brackets)?;
        // `parse` alone would take a sign.
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let number = if digits { port.parse().ok() } else { None };
        let port = number.ok_or_else(|| AddressError::Port { found: port.into() })?;
        Ok(Self { host, port })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Where a node is, and who must be there: `id@host:port`.
///
/// ```
/// use mconn::peer::{AddressError, PeerAddress};
///
/// let text = "730a5edc28c2f8daf2d9dce3a01d5f205e35e555@10.0.0.7:26656";
/// let address: PeerAddress = text.parse()?;
/// assert_eq!(address.to_string(), text);
/// assert_eq!("10.0.0.7:26656".parse::<PeerAddress>(), Err(AddressError::NoId));
/// # Ok::<(), AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerAddress {
    /// The node that must be there.
    pub id: NodeId,
    /// Where it is.
    pub at: HostPort,
}

impl FromStr for PeerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match split_id(text)? {
            (Some(id), at) => Ok(Self { id, at }),
            (None, _) => Err(AddressError::NoId),
        }
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.at)
    }
}

/// Reads an address whose id may be missing: `[id@]host:port`.
///
/// # Errors
/// What is not as it should be.
pub fn split_id(text: &str) -> Result<(Option<NodeId>, HostPort), AddressError> {
    let text = without_protocol(text);
    let Some((id, at)) = text.split_once('@') else { return Ok((None, text.parse()?)) };
    let id = id.parse().map_err(|_| AddressError::Id { found: id.into() })?;
    Ok((Some(id), at.parse()?))
}

/// What stands behind `tcp://`, or all.
fn without_protocol(text: &str) -> &str {
    text.split_once("://").map_or(text, |(_, rest)| rest)
}

/// A text that is no address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddressError {
    /// There is no `id@`.
    #[error("no node id before the host")]
    NoId,
    /// What stands before the `@` is no node id.
    #[error("{found:?} is no node id: that has 40 hex digits")]
    Id {
        /// What stands there.
        found: String,
    },
    /// There is no host.
    #[error("no host")]
    NoHost,
    /// The host is neither an IP address nor a name. An IPv6 address needs brackets.
    #[error("{found:?} is neither an IP address nor a host name")]
    Host {
        /// What stands there.
        found: String,
    },
    /// There is no port.
    #[error("no port")]
    NoPort,
    /// The port is no number from 0 to 65535.
    #[error("{found:?} is no port")]
    Port {
        /// What stands there.
        found: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::ToString;

    const ID: &str = "4cb1da6f66c55c9e42b92df5a0e3d3a1d1b2cbf8";

    #[test]
    fn addresses_are_read_back_as_they_are_written() {
        for at in ["127.0.0.1:26656", "[2001:db8::1]:0", "seed-1.example.com:65535", "node_0:1", "localhost.:80"] {
            let text = format!("{ID}@{at}");
            let address: PeerAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(split_id(at), Ok((None, address.at.clone())));
            assert_eq!(split_id(&format!("tcp://{text}")), Ok((Some(address.id), address.at)));
        }
    }

    #[test]
    fn only_ip_addresses_are_socket_addresses() {
        let at: HostPort = "[::1]:7".parse().unwrap();
        assert_eq!(at.socket_addr(), Some("[::1]:7".parse().unwrap()));
        assert_eq!(HostPort::from(at.socket_addr().unwrap()), at);
        assert_eq!("localhost:7".parse::<HostPort>().unwrap().socket_addr(), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let host = |found: &str| AddressError::Host { found: found.into() };
        let port = |found: &str| AddressError::Port { found: found.into() };
        for (text, error) in [
            ("", AddressError::NoPort),
            ("localhost", AddressError::NoPort),
            ("[::1]", AddressError::NoPort),
            ("[::1]7", AddressError::NoPort),
            (":7", AddressError::NoHost),
            ("[]:7", AddressError::NoHost),
            ("::1:7", host("::1")),
            ("[::1", host("[::1")),
            ("[localhost]:7", host("localhost")),
            ("[fe80::1%eth0]:7", host("fe80::1%eth0")),
            ("10.0.0.256:7", host("10.0.0.256")),
            ("010.0.0.1:7", host("010.0.0.1")),
            ("127.1:7", host("127.1")),
            ("a b:7", host("a b")),
            ("h\u{fc}tte:7", host("h\u{fc}tte")),
            ("a@b:7", host("a@b")),
            ("h:", port("")),
            ("h:+7", port("+7")),
            ("h:65536", port("65536")),
            ("h:7/", port("7/")),
        ] {
            assert_eq!(text.parse::<HostPort>(), Err(error), "{text}");
        }
        assert!(format!("{}:1", "a".repeat(253)).parse::<HostPort>().is_ok());
        assert!(format!("{}:1", "a".repeat(254)).parse::<HostPort>().is_err());
        assert_eq!("h:7".parse::<PeerAddress>(), Err(AddressError::NoId));
        assert_eq!("12@h:7".parse::<PeerAddress>(), Err(AddressError::Id { found: "12".into() }));
        assert_eq!(format!("{ID}@h").parse::<PeerAddress>(), Err(AddressError::NoPort));
    }
}
