//! A codec that is chosen at run time.

use super::{Amino, Codec, DecodeError, Decoded, GoWire, Header, Proto3};

/// One of the three codecs.
///
/// ```
/// use mconn::wire::{AnyCodec, Codec, GoWire, Proto3};
///
/// for (codec, ping) in [(AnyCodec::from(Proto3::new()), &b"\x02\x0a\x00"[..]), (GoWire::new().into(), b"\x01")] {
///     assert_eq!(codec.ping(), ping);
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AnyCodec {
    /// Tendermint v0.34 to CometBFT today.
    Proto3(Proto3),
    /// Tendermint v0.22 to v0.33.
    Amino(Amino),
    /// Tendermint up to v0.18.
    GoWire(GoWire),
}

impl From<Proto3> for AnyCodec {
    fn from(codec: Proto3) -> Self {
        Self::Proto3(codec)
    }
}

impl From<Amino> for AnyCodec {
    fn from(codec: Amino) -> Self {
        Self::Amino(codec)
    }
}

impl From<GoWire> for AnyCodec {
    fn from(codec: GoWire) -> Self {
        Self::GoWire(codec)
    }
}

/// Calls the method of whichever codec it is.
macro_rules! each {
    ($any:expr, $codec:ident => $call:expr) => {
        match $any {
            AnyCodec::Proto3($codec) => $call,
            AnyCodec::Amino($codec) => $call,
            AnyCodec::GoWire($codec) => $call,
        }
    };
}

impl Codec for AnyCodec {
    #[inline]
    fn ping(&self) -> &'static [u8] {
        each!(self, codec => codec.ping())
    }

    #[inline]
    fn pong(&self) -> &'static [u8] {
        each!(self, codec => codec.pong())
    }

    #[inline(always)]
    fn message_header(&self, channel: u8, end: bool, payload_len: usize) -> Header {
        each!(self, codec => codec.message_header(channel, end, payload_len))
    }

    fn packet_limit(&self, payload_size: usize) -> usize {
        each!(self, codec => codec.packet_limit(payload_size))
    }

    #[inline]
    fn limited_len(&self, channel: u8, end: bool, payload_len: usize) -> usize {
        each!(self, codec => codec.limited_len(channel, end, payload_len))
    }

    fn max_wire_len(&self, limit: usize) -> usize {
        each!(self, codec => codec.max_wire_len(limit))
    }

    #[inline]
    fn decode<'a>(&mut self, bytes: &'a [u8], limit: usize) -> Result<Option<Decoded<'a>>, DecodeError> {
        each!(self, codec => codec.decode(bytes, limit))
    }
}

impl Default for AnyCodec {
    /// Today's wire: [`Proto3`].
    fn default() -> Self {
        Self::Proto3(Proto3::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::fmt::Debug;

    /// Says the same through `AnyCodec` as directly.
    fn agrees<C: Codec + Debug + Into<AnyCodec>>(mut codec: C) {
        let mut any: AnyCodec = codec.clone().into();
        assert_eq!(any.ping(), codec.ping());
        assert_eq!(any.pong(), codec.pong());
        let header = codec.message_header(0x20, true, 3);
        assert_eq!(any.message_header(0x20, true, 3), header);
        assert_eq!(any.packet_limit(1024), codec.packet_limit(1024));
        assert_eq!(any.limited_len(0x80, true, 300), codec.limited_len(0x80, true, 300));
        assert_eq!(any.max_wire_len(1034), codec.max_wire_len(1034));
        let packet = [header.as_slice(), b"abc"].concat();
        assert_eq!(any.decode(&packet, 100), codec.decode(&packet, 100));
        assert!(any.decode(&packet, 100).is_ok_and(|decoded| decoded.is_some()));
    }

    #[test]
    fn any_codec_says_what_the_codec_says() {
        agrees(Proto3::new());
        agrees(Amino::new());
        agrees(GoWire::new());
    }

    /// The first two packets with a length of more bytes than needed, the third with an end that is neither 0 nor 1.
    #[test]
    fn any_codec_keeps_the_codecs_settings() {
        let refuses = |mut strict: AnyCodec, packet: &[u8]| strict.decode(packet, 100).is_err();
        let (proto3, amino, gowire) = (b"\x82\x00\x0a\x00", b"\x84\x00\x15\xc3\xd2\x89", b"\x03\x01\x02\x00");
        assert!(refuses(Proto3::strict().into(), proto3) && !refuses(Proto3::new().into(), proto3));
        assert!(refuses(Amino::strict().into(), amino) && !refuses(Amino::new().into(), amino));
        assert!(refuses(GoWire::strict().into(), gowire) && !refuses(GoWire::new().into(), gowire));
    }
}
