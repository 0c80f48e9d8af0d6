//! The two messages of peer exchange, to bytes and back.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;

use bytes::Bytes;
use thiserror::Error;

use crate::peer::address::{Host, HostPort, PeerAddress};
use crate::peer::protobuf::{put_bytes, put_number_unless_zero};
use crate::wire::DecodeError;
use crate::wire::fields::{BYTES, Fields, VARINT};

/// The most bytes of a message: 250 addresses of 256 bytes (`maxMsgSize` of `p2p/pex/pex_reactor.go @ v0.38`).
pub const MAX_MESSAGE: usize = 64_000;
/// The most addresses of an answer (`maxGetSelection` of `p2p/pex/addrbook.go`, there).
pub const MAX_ADDRESSES: usize = 250;

/// What nodes say to each other on the channel of peer exchange.
///
/// ```
/// use mconn::peer::pex::PexMessage;
///
/// let address = "730a5edc28c2f8daf2d9dce3a01d5f205e35e555@10.0.0.7:26656".parse()?;
/// let message = PexMessage::Addresses(vec![address]);
/// assert_eq!(PexMessage::decode(&message.encode())?, message);
/// assert_eq!(PexMessage::Request.encode(), [0x0a, 0x00].as_slice());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PexMessage {
    /// Which nodes do you know?
    Request,
    /// These. Only IP addresses can be said; others are left out.
    Addresses(Vec<PeerAddress>),
}

impl PexMessage {
    /// The message as bytes, as a Go node writes it (`proto/tendermint/p2p/pex.proto @ v0.38`). At most [`MAX_ADDRESSES`]
    /// addresses are written.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::new();
        match self {
            Self::Request => put_bytes(&mut out, 1, &[]),
            Self::Addresses(addresses) => {
                let mut list = Vec::new();
                for address in addresses.iter().filter_map(net_address).take(MAX_ADDRESSES) {
                    put_bytes(&mut list, 1, &address);
                }
                put_bytes(&mut out, 2, &list);
            }
        }
        out.into()
    }

    /// Reads a message as the code generated for Go does: of several in one, the last counts.
    ///
    /// As in Go an address whose IP or port is none is an error, and one whose id is none is passed over: it can never be
    /// dialled (`AddAddress` of `p2p/pex/addrbook.go` refuses it).
    ///
    /// # Errors
    /// [`PexDecodeError`]; the peer that sent this is to be stopped.
    pub fn decode(bytes: &[u8]) -> Result<Self, PexDecodeError> {
        if bytes.len() > MAX_MESSAGE {
            return Err(PexDecodeError::TooLong { length: bytes.len() });
        }
        let mut message = None;
        let mut fields = Fields::new(bytes, 0, false);
        while let Some(tag) = fields.tag()? {
            match tag.number {
                1 => {
                    tag.must_be(BYTES)?;
                    skip_all(fields.message()?)?;
                    message = Some(Self::Request);
                }
                2 => {
                    tag.must_be(BYTES)?;
                    message = Some(Self::Addresses(addresses(fields.message()?)?));
                }
                _ => fields.skip(tag)?,
            }
        }
        message.ok_or(PexDecodeError::Empty)
    }
}

fn skip_all(mut fields: Fields<'_>) -> Result<(), DecodeError> {
    while let Some(tag) = fields.tag()? {
        fields.skip(tag)?;
    }
    Ok(())
}

/// The addresses of an answer.
fn addresses(mut fields: Fields<'_>) -> Result<Vec<PeerAddress>, PexDecodeError> {
    let mut addresses = Vec::new();
    let mut count = 0_usize;
    while let Some(tag) = fields.tag()? {
        if tag.number != 1 {
            fields.skip(tag)?;
            continue;
        }
        tag.must_be(BYTES)?;
        count = count.saturating_add(1);
        if count > MAX_ADDRESSES {
            return Err(PexDecodeError::TooManyAddresses);
        }
        addresses.extend(address(fields.message()?)?);
    }
    Ok(addresses)
}

/// One address; `None` when its id is none.
fn address(mut fields: Fields<'_>) -> Result<Option<PeerAddress>, PexDecodeError> {
    let (mut id, mut ip, mut port): (&[u8], &[u8], u64) = (&[], &[], 0);
    while let Some(tag) = fields.tag()? {
        match tag.number {
            1 => {
                tag.must_be(BYTES)?;
                id = fields.bytes()?.0;
            }
            2 => {
                tag.must_be(BYTES)?;
                ip = fields.bytes()?.0;
            }
            3 => {
                tag.must_be(VARINT)?;
                port = fields.varint()?;
            }
            _ => fields.skip(tag)?,
        }
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let parsed: Option<IpAddr> = core::str::from_utf8(ip).ok().and_then(|ip| ip.parse().ok());
    let parsed = parsed.ok_or_else(|| PexDecodeError::Ip { found: text(ip) })?;
    // A number on the wire may have 64 bits; Go takes the lower 32 of it.
    let port = u16::try_from(port & 0xffff_ffff).map_err(|_| PexDecodeError::Port { found: port & 0xffff_ffff })?;
    let id = core::str::from_utf8(id).ok().and_then(|id| id.parse().ok());
    // Go's `net.IP` does not tell an IPv4 address from one that is mapped into IPv6.
    let at = HostPort { host: Host::Ip(parsed.to_canonical()), port };
    Ok(id.map(|id| PeerAddress { id, at }))
}

/// An address as bytes; `None` when its host is a name.
fn net_address(address: &PeerAddress) -> Option<Vec<u8>> {
    let Host::Ip(ip) = &address.at.host else { return None };
    let mut out = Vec::new();
    put_bytes(&mut out, 1, address.id.to_string().as_bytes());
    put_bytes(&mut out, 2, ip.to_string().as_bytes());
    put_number_unless_zero(&mut out, 3, address.at.port.into());
    Some(out)
}

/// Bytes on the channel of peer exchange that are no message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PexDecodeError {
    /// The message is too long.
    #[error("{length} bytes; the limit is {MAX_MESSAGE}")]
    TooLong {
        /// Its bytes.
        length: usize,
    },
    /// It is no protobuf message of this kind.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It is neither a request nor addresses.
    #[error("neither a request nor addresses")]
    Empty,
    /// It has more addresses than it may.
    #[error("more than {MAX_ADDRESSES} addresses")]
    TooManyAddresses,
    /// An IP address is none.
    #[error("{found:?} is no IP address")]
    Ip {
        /// What stands there.
        found: String,
    },
    /// A port is none.
    #[error("{found} is no port")]
    Port {
        /// What stands there.
        found: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    const ID: &str = "730a5edc28c2f8daf2d9dce3a01d5f205e35e555";

    fn message(fields: &[(u8, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        fields.iter().for_each(|(number, bytes)| put_bytes(&mut out, *number, bytes));
        out
    }

    fn one(id: &[u8], ip: &[u8], port: u64) -> Vec<u8> {
        let mut address = message(&[(1, id), (2, ip)]);
        put_number_unless_zero(&mut address, 3, port);
        message(&[(2, &message(&[(1, &address)]))])
    }

    #[test]
    fn the_bytes_are_those_of_protobuf() {
        let address = format!("{ID}@1.2.3.4:26656").parse().unwrap();
        let bytes = PexMessage::Addresses([address].into()).encode();
        let expected = one(ID.as_bytes(), b"1.2.3.4", 26_656);
        assert_eq!(bytes, expected);
        assert_eq!(&bytes[..6], &[0x12, 57, 0x0a, 55, 0x0a, 40]);
        assert_eq!(&bytes[46..], b"\x12\x071.2.3.4\x18\xa0\xd0\x01");
        assert_eq!(PexMessage::Addresses(Vec::new()).encode(), [0x12, 0x00].as_slice());
    }

    #[test]
    fn names_can_not_be_said_and_port_zero_is_left_out() {
        let addresses = ["example.com:1", "[::1]:0"].map(|at| format!("{ID}@{at}").parse::<PeerAddress>().unwrap());
        let message = PexMessage::Addresses(addresses.to_vec());
        assert_eq!(PexMessage::decode(&message.encode()), Ok(PexMessage::Addresses([addresses[1].clone()].into())));
    }

    #[test]
    fn the_last_of_several_counts_and_unknown_fields_are_passed_over() {
        let addresses = one(ID.as_bytes(), b"::ffff:1.2.3.4", 1);
        let both = [addresses.clone(), message(&[(1, &[]), (9, b"later")])].concat();
        assert_eq!(PexMessage::decode(&both), Ok(PexMessage::Request));
        let both = [message(&[(1, &message(&[(7, b"x")]))]), addresses].concat();
        let expected = format!("{ID}@1.2.3.4:1").parse().unwrap();
        assert_eq!(PexMessage::decode(&both), Ok(PexMessage::Addresses([expected].into())));
        assert_eq!(PexMessage::decode(&[]), Err(PexDecodeError::Empty));
    }

    #[test]
    fn what_is_no_address_is_named() {
        let decode = |id: &[u8], ip: &[u8], port| PexMessage::decode(&one(id, ip, port));
        assert_eq!(decode(ID.as_bytes(), b"1.2.3", 1), Err(PexDecodeError::Ip { found: "1.2.3".into() }));
        assert_eq!(decode(ID.as_bytes(), b"", 1), Err(PexDecodeError::Ip { found: String::new() }));
        assert_eq!(decode(ID.as_bytes(), b"::1", 65_536), Err(PexDecodeError::Port { found: 65_536 }));
        assert_eq!(decode(b"4cb1", b"::1", 1), Ok(PexMessage::Addresses(Vec::new())));
        assert_eq!(decode(b"\xff", b"::1", 1), Ok(PexMessage::Addresses(Vec::new())));
        assert!(matches!(PexMessage::decode(&[0x08, 0x00]), Err(PexDecodeError::Decode(_))));
        assert!(matches!(PexMessage::decode(&[0x12, 0x05, 0x0a]), Err(PexDecodeError::Decode(_))));
    }

    #[test]
    fn the_limits_hold() {
        let address: PeerAddress = format!("{ID}@1.2.3.4:5").parse().unwrap();
        let full = PexMessage::Addresses(alloc::vec![address.clone(); MAX_ADDRESSES + 1]).encode();
        let read = PexMessage::decode(&full);
        assert_eq!(read, Ok(PexMessage::Addresses(alloc::vec![address; MAX_ADDRESSES])));
        let empty = message(&[(1, b"\x12\x03::1")]);
        let list = |count: usize| message(&[(2, &empty.repeat(count))]);
        assert_eq!(PexMessage::decode(&list(250)), Ok(PexMessage::Addresses(Vec::new())));
        assert_eq!(PexMessage::decode(&list(251)), Err(PexDecodeError::TooManyAddresses));
        let padded = |length: usize| message(&[(1, &[]), (9, &alloc::vec![0; length])]);
        assert_eq!(PexMessage::decode(&padded(MAX_MESSAGE - 6)), Ok(PexMessage::Request));
        assert_eq!(PexMessage::decode(&padded(MAX_MESSAGE - 5)), Err(PexDecodeError::TooLong { length: 64_001 }));
    }
}
