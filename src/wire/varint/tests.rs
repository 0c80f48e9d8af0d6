use super::*;
use quickcheck::quickcheck;
use std::fs;
use std::vec::Vec;

/// LEB128 as a loop.
fn leb128(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// go-wire's signed number, written as its encoder does.
fn gowire(value: i64) -> Vec<u8> {
    let magnitude: Vec<u8> = value.unsigned_abs().to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect();
    let sign = if value < 0 { 0xf0 } else { 0 };
    [&[sign | magnitude.len() as u8], &magnitude[..]].concat()
}

/// The first `len` bytes of `bits`, which must have no more.
fn bytes_of((bits, len): (u32, u32)) -> Vec<u8> {
    let bytes = bits.to_le_bytes();
    let (taken, rest) = bytes.split_at(len as usize);
    assert!(rest.iter().all(|&byte| byte == 0));
    taken.to_vec()
}

/// The numbers around every change of length.
fn edges() -> impl Iterator<Item = u64> {
    (0..64).flat_map(|shift| {
        let power = 1_u64 << shift;
        [power - 1, power, power + 1, power | power >> 1, u64::MAX >> shift]
    })
}

quickcheck! {
    fn uvarints_come_back(value: u64, shift: u8, behind: Vec<u8>) -> bool {
        let value = value >> (shift % 64);
        let bytes = leb128(value);
        let len = bytes.len();
        len == uvarint_len(value) as usize && read_uvarint(&[bytes, behind].concat()) == Ok(Some((value, len)))
    }

    fn gowire_numbers_come_back(value: i64, shift: u8, behind: Vec<u8>) -> bool {
        let value = value >> (shift % 64);
        let bytes = gowire(value);
        let len = bytes.len();
        read_gowire(&[bytes, behind].concat()) == Ok(Some((value, len)))
    }
}

#[test]
fn uvarints_at_every_edge() {
    for value in edges() {
        let bytes = leb128(value);
        assert_eq!(uvarint_len(value) as usize, bytes.len(), "{value}");
        assert_eq!(read_uvarint(&bytes), Ok(Some((value, bytes.len()))));
        for cut in 0..bytes.len() {
            assert_eq!(read_uvarint(&bytes[..cut]), Ok(None));
        }
        if value < 1 << 21 {
            assert_eq!(bytes_of(short_uvarint(value as u32)), bytes, "{value}");
        }
        if value < 1 << 14 {
            let padded = [value as u8 | 0x80, (value >> 7) as u8];
            assert_eq!(bytes_of((two_byte_uvarint(value as u32), 2)), padded);
        }
    }
}

#[test]
fn padded_uvarints_are_read() {
    for padding in 0..9 {
        let bytes = [&[0x85], &[0x80; 9][..padding], &[0x00]].concat();
        assert_eq!(read_uvarint(&bytes), if padding < 9 { Ok(Some((5, padding + 2))) } else { Ok(None) });
    }
}

#[test]
fn the_tenth_byte_is_0_or_1() {
    let with_tenth = |tenth: u8| [&[0xff; 9], &[tenth][..]].concat();
    assert_eq!(read_uvarint(&with_tenth(0)), Ok(Some(((1 << 63) - 1, 10))));
    assert_eq!(read_uvarint(&with_tenth(1)), Ok(Some((u64::MAX, 10))));
    for tenth in 2..=0xff {
        assert_eq!(read_uvarint(&with_tenth(tenth)), Err(DecodeRule::PrefixOverflow));
    }
    assert_eq!(read_uvarint(&[0xff; 9]), Ok(None));
    assert_eq!(read_uvarint(&[0x80; 11]), Err(DecodeRule::PrefixOverflow));
}

#[test]
fn low_bits_beyond_the_64th_are_dropped() {
    assert_eq!(low_bits(0xff, 0), 0x7f);
    assert_eq!(low_bits(0x81, 3), 1 << 21);
    assert_eq!(low_bits(0xff, 9), 1 << 63);
}

#[test]
fn gowire_at_every_edge() {
    for value in edges().flat_map(|value| [value as i64, (value as i64).wrapping_neg()]) {
        let bytes = gowire(value);
        assert_eq!(read_gowire(&bytes), Ok(Some((value, bytes.len()))), "{value}");
        for cut in 0..bytes.len() {
            assert_eq!(read_gowire(&bytes[..cut]), Ok(None), "{value} cut at {cut}");
        }
        if (0..1 << 24).contains(&value) {
            assert_eq!(bytes_of(short_gowire(value as u32)), bytes, "{value}");
        }
    }
}

/// Every row of the golden data.
#[test]
fn gowire_vectors() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/gowire_varints.jsonl");
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(text.lines().count(), 41);
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let bytes = hex::decode(row["hex"].as_str().unwrap()).unwrap();
        let value = row["value"].as_str().map(|value| value.parse::<i64>().unwrap());
        if row["dir"] == "encode" {
            let value = value.unwrap();
            assert_eq!(gowire(value), bytes, "{line}");
            assert_eq!(read_gowire(&bytes), Ok(Some((value, bytes.len()))), "{line}");
            if (0..1 << 24).contains(&value) {
                assert_eq!(bytes_of(short_gowire(value as u32)), bytes, "{line}");
            }
            continue;
        }
        let consumed = row["consumed"].as_u64().unwrap() as usize;
        let expected = match row["error"].as_str() {
            Some("Varint overflow") => Err(DecodeRule::VarintOverflow),
            Some("Varint does not allow negative zero") => Err(DecodeRule::NegativeZero),
            Some(other) => panic!("{other}"),
            None => Ok(Some((value.unwrap(), consumed))),
        };
        assert_eq!(read_gowire(&bytes), expected, "{line}");
        // An error is seen at the last byte that Go reads, and not before.
        assert_eq!(read_gowire(&bytes[..consumed]), expected, "{line}");
        assert_eq!(read_gowire(&bytes[..consumed - 1]), Ok(None), "{line}");
    }
}

#[test]
fn the_meter_counts_what_was_looked_at() {
    meter::take();
    read_uvarint(&[0x80, 0x80, 0x01, 0xff]).unwrap();
    assert_eq!(meter::take(), 3, "the byte behind is not looked at");
    assert_eq!(meter::take(), 0);
}
