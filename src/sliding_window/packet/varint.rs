//! The variable-length numbers of QUIC: the two high bits of the first byte say how many bytes there are.

/// The largest number that can be written: 2^62 - 1.
pub const MAX_VARINT: u64 = (1 << 62) - 1;

/// How many bytes `value` takes: 1, 2, 4 or 8. More than [`MAX_VARINT`] is taken as that.
#[inline]
#[must_use]
pub const fn varint_len(value: u64) -> usize {
    if value < 1 << 6 {
        1
    } else if value < 1 << 14 {
        2
    } else if value < 1 << 30 {
        4
    } else {
        8
    }
}

/// The number at the start of `bytes` and what follows; `None` when it is cut off.
///
/// As in QUIC (RFC 9000 section 16), a number may stand in more bytes than it needs.
#[inline]
pub(crate) fn read_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x40 {
        return Some((u64::from(first), rest));
    }
    if first < 0x80 {
        let (&second, rest) = rest.split_first()?;
        return Some((u64::from(u16::from_be_bytes([first & 0x3f, second])), rest));
    }
    read_long(bytes)
}

/// The forms of 4 and 8 bytes, which are rare.
fn read_long(bytes: &[u8]) -> Option<(u64, &[u8])> {
    if bytes.first()? & 0x40 == 0 {
        let (number, rest) = bytes.split_first_chunk()?;
        return Some((u64::from(u32::from_be_bytes(*number) & 0x3fff_ffff), rest));
    }
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u64::from_be_bytes(*number) & MAX_VARINT, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sliding_window::packet::Writer;
    use proptest::prelude::*;

    fn written(value: u64) -> std::vec::Vec<u8> {
        let mut buffer = [0; 8];
        let mut writer = Writer::new(&mut buffer);
        writer.put_varint(value);
        let len = writer.finish().unwrap();
        buffer[..len].to_vec()
    }

    /// RFC 9000, appendix A.1.
    #[test]
    fn the_examples_of_the_standard() {
        for (bytes, value) in [
            (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c][..], 151_288_809_941_952_652),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x25], 37),
        ] {
            assert_eq!(read_varint(bytes), Some((value, &[][..])));
            assert_eq!(written(value), bytes);
        }
        assert_eq!(read_varint(&[0x40, 0x25, 9]), Some((37, &[9][..])), "longer than needed");
    }

    #[test]
    fn the_lengths_change_where_they_must() {
        for (value, len) in [(0, 1), (63, 1), (64, 2), (16_383, 2), (16_384, 4), ((1 << 30) - 1, 4), (1 << 30, 8)] {
            assert_eq!((varint_len(value), written(value).len()), (len, len), "{value}");
        }
        assert_eq!(written(MAX_VARINT), [0xff; 8]);
        assert_eq!(written(u64::MAX), [0xff; 8], "the largest that there is");
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(value in 0..=MAX_VARINT, shift in 0..62_u32, after: std::vec::Vec<u8>) {
            let value = value >> shift;
            let mut bytes = written(value);
            prop_assert_eq!(bytes.len(), varint_len(value));
            for cut in 0..bytes.len() {
                prop_assert_eq!(read_varint(&bytes[..cut]), None);
            }
            bytes.extend(&after);
            prop_assert_eq!(read_varint(&bytes), Some((value, &after[..])));
        }
    }
}
