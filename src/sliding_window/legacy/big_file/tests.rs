use bytes::{Bytes, BytesMut};

use super::super::error::{DecodeRule, Kind};
use super::*;

fn example() -> BigFile {
    BigFile {
        path: Bytes::from_static(b"dir/a file"),
        size: 300,
        checksum: Bytes::from_static(&[9; 64]),
        sent_at: Timestamp::new(5, 6),
        data: Bytes::from_static(&[7; 300]),
    }
}

fn encode(file: &BigFile) -> Bytes {
    let mut wire = BytesMut::new();
    file.encode(&mut wire).unwrap();
    wire.freeze()
}

#[test]
fn files_of_every_form_of_length_come_back() {
    for length in [0_usize, 1, 127, 128, 255, 256, 32_768, 65_535, 65_536] {
        let file = BigFile {
            path: Bytes::from(alloc::vec![b'p'; length]),
            size: i64::try_from(length).unwrap(),
            data: Bytes::from(alloc::vec![1; length]),
            ..example()
        };
        let mut wire = BytesMut::from(&encode(&file)[..]);
        assert_eq!(file.encoded_len(), wire.len());
        wire.extend_from_slice(b"rest");
        let wire = wire.freeze();
        assert_eq!(BigFile::decode_bytes(&wire), Ok((file.clone(), Bytes::from_static(b"rest"))));
        // The header says the same, and ends where the data begin.
        let (header, header_len) = BigFileHeader::decode(&wire, usize::MAX).unwrap().unwrap();
        assert_eq!(wire[header_len..header_len + length], file.data[..]);
        assert_eq!((&header.path, header.size as usize), (&file.path, length));
        assert_eq!((&header.checksum, header.sent_at), (&file.checksum, file.sent_at));
        let mut again = BytesMut::new();
        header.encode(&mut again).unwrap();
        assert_eq!(again, wire[..header_len]);
    }
}

#[test]
fn truncation_is_an_error_for_the_whole_and_none_for_the_header() {
    let wire = encode(&example());
    let (_, header_len) = BigFileHeader::decode(&wire, 1000).unwrap().unwrap();
    for length in 0..wire.len() {
        assert_eq!(BigFile::decode_bytes(&wire.slice(..length)).unwrap_err().rule, DecodeRule::Truncated);
        let header = BigFileHeader::decode(&wire[..length], 1000).unwrap();
        assert_eq!(header.is_some(), length >= header_len, "{length}");
    }
}

#[test]
fn a_header_beyond_the_limit_is_refused() {
    let wire = encode(&example());
    let (header, header_len) = BigFileHeader::decode(&wire, 1000).unwrap().unwrap();
    assert_eq!(BigFileHeader::decode(&wire, header_len), Ok(Some((header, header_len))));
    let limit = header_len - 1;
    assert_eq!(BigFileHeader::decode(&wire[..limit - 1], limit), Ok(None));
    let expected = Err(DecodeError::new(DecodeRule::HeaderTooLong { limit }, limit));
    assert_eq!(BigFileHeader::decode(&wire[..limit], limit), expected);
    assert_eq!(BigFileHeader::decode(&wire, limit), expected);
    // A path that claims four gigabytes is refused when the limit is there, and not a byte is set aside for it.
    let lie = b"\x85\xa8Filepath\xdb\xff\xff\xff\xffabc";
    assert_eq!(BigFileHeader::decode(lie, 1000), Ok(None));
    assert_eq!(BigFileHeader::decode(lie, lie.len()).unwrap_err().rule, DecodeRule::HeaderTooLong { limit: lie.len() });
}

#[test]
fn a_header_of_four_gigabytes_needs_no_data() {
    let header = BigFileHeader {
        path: Bytes::from_static(b"large"),
        size: u32::MAX,
        checksum: Bytes::from_static(&[1; 64]),
        sent_at: Timestamp::ZERO,
    };
    let mut wire = BytesMut::new();
    header.encode(&mut wire).unwrap();
    assert!(wire.ends_with(b"\xa4Data\xc6\xff\xff\xff\xff"));
    assert_eq!(BigFileHeader::decode(&wire, 1000), Ok(Some((header, wire.len()))));
    let whole = BigFile::decode_bytes(&wire.freeze()).unwrap_err();
    assert_eq!(whole.rule, DecodeRule::Truncated);
}

#[test]
fn the_header_asks_for_one_size_and_for_data_at_the_end() {
    let rule = |wire: &[u8]| BigFileHeader::decode(wire, 1000).unwrap_err().rule;
    let mismatch = |stated, data| DecodeRule::SizeMismatch { stated, data };
    assert_eq!(rule(b"\x82\xabSizeInBytes\x05\xa4Data\xc4\x06"), mismatch(5, 6));
    assert_eq!(rule(b"\x82\xabSizeInBytes\xff\xa4Data\xc4\x06"), mismatch(-1, 6));
    assert_eq!(rule(b"\x81\xa4Data\xc4\x01"), mismatch(0, 1));
    assert_eq!(rule(b"\x82\xa4Data\xc4\x00\xabSizeInBytes\x00"), DecodeRule::DataNotLast);
    assert_eq!(rule(b"\x81\xabSizeInBytes\x00"), DecodeRule::DataNotLast);
    assert_eq!(rule(b"\x80"), DecodeRule::DataNotLast);
    assert_eq!(rule(b"\x90"), DecodeRule::WrongKind { expected: Kind::Map, found: Kind::Array });
}

#[test]
fn keys_are_those_of_the_streaming_decoder() {
    let wire = Bytes::from_static(b"\x83\xc4\x04Data\xc4\x01x\xa7Unknown\x91\xc0\xabSizeInBytes\x01");
    let (file, _) = BigFile::decode_bytes(&wire).unwrap();
    assert_eq!((file.data, file.size), (Bytes::from_static(b"x"), 1));
    let empty = Bytes::from_static(b"\x81\xa0\xc0");
    assert_eq!(BigFile::decode_bytes(&empty).unwrap_err().rule, DecodeRule::EmptyKey);
    assert_eq!(BigFileHeader::decode(&empty, 10).unwrap_err().rule, DecodeRule::EmptyKey);
}

#[cfg(feature = "legacy")]
#[test]
fn a_file_is_checked_as_the_original_does() {
    let whole = BigFile::new(Bytes::from_static(b"p"), Timestamp::ZERO, Bytes::from_static(b"data"));
    assert_eq!((whole.size, whole.check()), (4, Ok(())));
    let changed = BigFile { data: Bytes::from_static(b"dada"), ..whole.clone() };
    assert_eq!(changed.check(), Err(CorruptFile::Checksum));
    let short = BigFile { checksum: whole.checksum.slice(..63), ..whole.clone() };
    assert_eq!(short.check(), Err(CorruptFile::Checksum));
    let none = BigFile { checksum: Bytes::new(), ..whole.clone() };
    assert_eq!(none.check(), Err(CorruptFile::NoChecksum));
    let longer = BigFile { size: 5, checksum: Bytes::new(), ..whole };
    assert_eq!(longer.check(), Err(CorruptFile::Size { stated: 5, data: 4 }));
}
