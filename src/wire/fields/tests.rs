use super::*;
use std::vec;
use std::vec::Vec;

fn loose(bytes: &[u8]) -> Fields<'_> {
    Fields::new(bytes, 100, false)
}

fn strict(bytes: &[u8]) -> Fields<'_> {
    Fields::new(bytes, 100, true)
}

fn error<T>(rule: DecodeRule, offset: usize) -> Result<T, DecodeError> {
    Err(DecodeError::new(rule, offset))
}

/// Skips the first field; what is left.
fn skip(bytes: &[u8]) -> Result<usize, DecodeError> {
    let mut fields = loose(bytes);
    let tag = fields.tag()?.unwrap();
    fields.skip(tag).map(|()| fields.rest.len())
}

#[test]
fn tags() {
    assert_eq!(loose(&[]).tag(), Ok(None));
    assert_eq!(loose(&[0x1a]).tag(), Ok(Some(Tag { number: 3, wire_type: 2, offset: 100 })));
    let mut fields = loose(&[0x08, 0x01, 0x8d, 0x01]);
    fields.tag().unwrap();
    fields.varint().unwrap();
    assert_eq!(fields.offset(), 102);
    assert_eq!(fields.tag(), Ok(Some(Tag { number: 17, wire_type: 5, offset: 102 })));
    assert_eq!(fields.tag(), Ok(None));
}

#[test]
fn tags_that_can_not_be() {
    assert_eq!(loose(&[0x00]).tag(), error(DecodeRule::IllegalTag { number: 0 }, 100));
    assert_eq!(loose(&[0x07]).tag(), error(DecodeRule::IllegalTag { number: 0 }, 100));
    // Go looks at the end of a group first.
    assert_eq!(loose(&[0x04]).tag(), error(DecodeRule::EndGroup, 100));
    assert_eq!(loose(&[0x0c]).tag(), error(DecodeRule::EndGroup, 100));
    let negative = [0xf8, 0xff, 0xff, 0xff, 0x7f];
    assert_eq!(loose(&negative).tag(), error(DecodeRule::IllegalTag { number: -1 }, 100));
    assert_eq!(loose(&[0x80]).tag(), error(DecodeRule::Truncated, 100));
}

#[test]
fn field_numbers_are_cut_to_32_bits_unless_strict() {
    let bit_35 = [0x8a, 0x80, 0x80, 0x80, 0x80, 0x01];
    assert_eq!(loose(&bit_35).tag(), Ok(Some(Tag { number: 1, wire_type: 2, offset: 100 })));
    assert_eq!(strict(&bit_35).tag(), error(DecodeRule::NotMinimal, 100));
    let largest = [0xff, 0xff, 0xff, 0xff, 0x0f];
    assert_eq!(strict(&largest).tag(), Ok(Some(Tag { number: (1 << 29) - 1, wire_type: 7, offset: 100 })));
    let next = [0x80, 0x80, 0x80, 0x80, 0x10];
    assert_eq!(loose(&next).tag(), Ok(Some(Tag { number: 1 << 29, wire_type: 0, offset: 100 })));
    assert_eq!(strict(&next).tag(), error(DecodeRule::NotMinimal, 100));
}

#[test]
fn wire_types_are_as_expected_or_an_error() {
    let tag = Tag { number: 3, wire_type: 2, offset: 7 };
    assert_eq!(tag.field(), 3);
    assert_eq!(tag.must_be(BYTES), Ok(()));
    assert_eq!(tag.must_be(VARINT), error(DecodeRule::WrongWireType { field: 3, wire_type: 2 }, 7));
}

#[test]
fn numbers() {
    assert_eq!(loose(&[0x85, 0x01, 0x99]).varint(), Ok(133));
    assert_eq!(loose(&[0x80, 0x80]).varint(), error(DecodeRule::Truncated, 100));
    assert_eq!(loose(&[]).varint(), error(DecodeRule::Truncated, 100));
    let ten = |tenth| [&[0x80; 9], &[tenth][..]].concat();
    assert_eq!(loose(&ten(0x01)).varint(), Ok(1 << 63));
    assert_eq!(loose(&ten(0x7e)).varint(), Ok(0), "bits beyond the 64th are dropped");
    assert_eq!(loose(&ten(0x80)).varint(), error(DecodeRule::VarintOverflow, 100), "although nothing follows");
    assert_eq!(loose(&[0x80; 9]).varint(), error(DecodeRule::Truncated, 100));
}

#[test]
fn numbers_when_strict() {
    let ten = |tenth| [&[0x80; 9], &[tenth][..]].concat();
    assert_eq!(strict(&[0x00]).varint(), Ok(0));
    assert_eq!(strict(&[0x80, 0x01]).varint(), Ok(128));
    assert_eq!(strict(&ten(1)).varint(), Ok(1 << 63));
    for padded in [&[0x80, 0x00][..], &[0x81, 0x80, 0x00], &ten(0), &ten(2), &ten(3)] {
        assert_eq!(strict(padded).varint(), error(DecodeRule::NotMinimal, 100), "{padded:02x?}");
        assert!(loose(padded).varint().is_ok());
    }
    let nine = [&[0x80; 8], &[0x02][..]].concat();
    assert_eq!(strict(&nine).varint(), Ok(1 << 57));
}

#[test]
fn bytes_and_messages() {
    let mut fields = loose(&[0x02, 0xaa, 0xbb, 0xcc]);
    assert_eq!(fields.bytes(), Ok((&[0xaa, 0xbb][..], 101)));
    assert_eq!(fields.offset(), 103);
    let mut inner = loose(&[0x02, 0x08, 0x81, 0x10]).message().unwrap();
    assert_eq!(inner.tag().unwrap().unwrap().offset, 101);
    assert_eq!(inner.varint(), error(DecodeRule::Truncated, 102), "ends where the inner message ends");
    let mut inner = strict(&[0x02, 0x80, 0x00]).message().unwrap();
    assert_eq!(inner.varint(), error(DecodeRule::NotMinimal, 101), "is strict too");
}

#[test]
fn lengths_that_are_too_long() {
    assert_eq!(loose(&[0x02, 0xaa]).bytes(), error(DecodeRule::Truncated, 100));
    assert_eq!(loose(&[0x00]).bytes(), Ok((&[][..], 101)));
    let negative = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01];
    assert_eq!(loose(&negative).bytes(), error(DecodeRule::NegativeLength, 100));
    // 2^63 - 1 less the 9 bytes of the length itself is the most that Go can add.
    let most = |low: u8| [&[low], &[0xff; 7][..], &[0x7f]].concat();
    assert_eq!(loose(&most(0xf6)).bytes(), error(DecodeRule::Truncated, 100));
    assert_eq!(loose(&most(0xf7)).bytes(), error(DecodeRule::NegativeLength, 100));
    // The same when it is skipped, a tag before it.
    assert_eq!(skip(&[vec![0x0a], most(0xf5)].concat()), error(DecodeRule::Truncated, 101));
    assert_eq!(skip(&[vec![0x0a], most(0xf6)].concat()), error(DecodeRule::NegativeLength, 101));
}

#[test]
fn in_a_group_go_counts_from_the_group() {
    let most = |low: u8| [&[low], &[0xff; 7][..], &[0x7f]].concat();
    for before in [&[][..], &[0x08, 0x01], &[0x08, 0x01, 0x10, 0x01]] {
        let group = |low| [before, &[0x0b, 0x12], &most(low)].concat();
        let skip = |bytes: &[u8]| {
            let mut fields = loose(bytes);
            loop {
                let tag = fields.tag()?.unwrap();
                fields.skip(tag)?;
            }
        };
        let offset = 102 + before.len();
        let truncated: Result<(), _> = skip(&group(0xf4));
        assert_eq!(truncated, error(DecodeRule::Truncated, offset));
        assert_eq!(skip(&group(0xf5)), error(DecodeRule::NegativeLength, offset));
    }
}

#[test]
fn skips_every_wire_type() {
    assert_eq!(skip(&[0x08, 0x80, 0x01, 0xee]), Ok(1));
    assert_eq!(skip(&[0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0xee]), Ok(1));
    assert_eq!(skip(&[0x0d, 1, 2, 3, 4, 0xee]), Ok(1));
    assert_eq!(skip(&[0x0a, 2, 1, 2, 0xee]), Ok(1));
    assert_eq!(skip(&[0x0a, 0, 0xee]), Ok(1));
    assert_eq!(skip(&[0x0b, 0x0c, 0xee]), Ok(1));
    assert_eq!(skip(&[0x0e]), error(DecodeRule::IllegalWireType { wire_type: 6 }, 100));
    assert_eq!(skip(&[0x0f]), error(DecodeRule::IllegalWireType { wire_type: 7 }, 100));
}

#[test]
fn skips_nothing_that_is_cut() {
    assert_eq!(skip(&[0x08]), error(DecodeRule::Truncated, 101));
    assert_eq!(skip(&[0x08, 0x80]), error(DecodeRule::Truncated, 101));
    assert_eq!(skip(&[0x09, 1, 2, 3, 4, 5, 6, 7]), error(DecodeRule::Truncated, 100));
    assert_eq!(skip(&[0x0d, 1, 2, 3]), error(DecodeRule::Truncated, 100));
    assert_eq!(skip(&[0x0a]), error(DecodeRule::Truncated, 101));
    assert_eq!(skip(&[0x0a, 2, 1]), error(DecodeRule::Truncated, 101));
    assert_eq!(skip(&[0x0b]), error(DecodeRule::Truncated, 101));
    assert_eq!(skip(&[0x0b, 0x0b, 0x0c]), error(DecodeRule::Truncated, 103));
    assert_eq!(skip(&[0x0b, 0x0d, 1, 2, 3]), error(DecodeRule::Truncated, 101));
    assert_eq!(skip(&[0x0b, 0x0e]), error(DecodeRule::IllegalWireType { wire_type: 6 }, 101));
    let overlong = [&[0x08], &[0x80; 10][..]].concat();
    assert_eq!(skip(&overlong), error(DecodeRule::VarintOverflow, 101));
}

#[test]
fn skips_groups_in_groups() {
    // Closed by the end of another field, and with field number 0 inside: Go looks at neither.
    assert_eq!(skip(&[0x0b, 0x13, 0x08, 0x01, 0x00, 0x01, 0x1c, 0x24, 0xee, 0xee]), Ok(2));
    let deep = 100_000;
    let nested: Vec<u8> = [vec![0x0b; deep], vec![0x0c; deep], vec![0xee]].concat();
    meter::take();
    assert_eq!(skip(&nested), Ok(1));
    assert_eq!(meter::take(), 2 * deep as u64, "every byte once");
}
