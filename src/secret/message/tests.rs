//! Both messages, what is taken and what is refused.

use std::vec::Vec;

use super::*;
use crate::wire::DecodeRule;

/// A message behind its length.
fn delimited(body: &[u8]) -> Vec<u8> {
    assert!(body.len() < 0x4000);
    let length = [(body.len() & 0x7f) as u8 | 0x80, (body.len() >> 7) as u8];
    if body.len() < 0x80 { [&[body.len() as u8], body].concat() } else { [&length, body].concat() }
}

/// Field `number` with bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2], delimited(bytes).as_slice()].concat()
}

#[test]
fn messages_are_written_as_the_nodes_write_them_and_read_back() {
    let key: [u8; 32] = core::array::from_fn(|index| index as u8);
    let message = key_message(&key);
    assert_eq!(message.as_slice(), delimited(&field(1, &key)));
    assert_eq!(read_key(&message), Ok(Some((key, 35))));

    let signature: [u8; 64] = core::array::from_fn(|index| 100 + index as u8);
    let message = auth_message(&key, &signature);
    assert_eq!(message.as_slice(), delimited(&[field(1, &field(1, &key)), field(2, &signature)].concat()));
    let (authentication, wire_len) = read_auth(&message).unwrap().unwrap();
    assert_eq!((authentication.node_key(), authentication.signature()), (Ok(key), Ok(signature)));
    assert_eq!(wire_len, 103);
}

#[test]
fn nothing_is_said_before_all_is_there_and_what_follows_stays() {
    let (key, auth) = (key_message(&[7; 32]), auth_message(&[7; 32], &[9; 64]));
    for cut in 0..key.len() {
        assert_eq!(read_key(&key[..cut]), Ok(None));
    }
    for cut in 0..auth.len() {
        assert_eq!(read_auth(&auth[..cut]), Ok(None));
    }
    assert_eq!(read_key(&[key.as_slice(), &[0xff; 9]].concat()), Ok(Some(([7; 32], 35))));
    assert_eq!(read_auth(&[auth.as_slice(), &[0xff; 9]].concat()).unwrap().unwrap().1, 103);
}

/// As the code that was generated for Go: unknown fields are passed over, the last of repeated ones counts, a length may be
/// written longer than needed.
#[test]
fn other_forms_of_the_same_message_are_taken() {
    let (old, key) = ([1; 32], [2; 32]);
    let unknown = field(9, b"later");
    let body = [unknown.clone(), field(1, &old), field(1, &key)].concat();
    assert_eq!(read_key(&delimited(&body)), Ok(Some((key, body.len() + 1))));
    let padded = [&[0xa2, 0x80, 0x00][..], &field(1, &key)].concat();
    assert_eq!(read_key(&padded), Ok(Some((key, 37))));

    // A message that stands twice is merged; a key of another type replaces the first.
    let body = [field(2, &[3; 64]), field(1, &field(2, &[4; 33])), field(1, &field(1, &key)), unknown].concat();
    let wire = delimited(&body);
    let (authentication, _) = read_auth(&wire).unwrap().unwrap();
    assert_eq!((authentication.node_key(), authentication.signature()), (Ok(key), Ok([3; 64])));
}

#[test]
fn ephemeral_keys_must_have_32_bytes() {
    for length in [0, 1, 31, 33, 64, 126] {
        let wire = delimited(&field(1, &std::vec![9; length]));
        assert_eq!(read_key(&wire), Err(HandshakeError::EphemeralKeyLength { length }));
    }
    assert_eq!(read_key(&[0]), Err(HandshakeError::EphemeralKeyLength { length: 0 }));
}

#[test]
fn node_keys_and_signatures_must_have_their_type_and_length() {
    let read = |body: &[u8]| {
        let wire = delimited(body);
        let (authentication, _) = read_auth(&wire).unwrap().unwrap();
        (authentication.node_key().err(), authentication.signature().err())
    };
    let signature = field(2, &[3; 64]);
    let no_type = |key_type| (Some(HandshakeError::NodeKeyType { key_type }), None);
    assert_eq!(read(&signature), no_type(None));
    assert_eq!(read(&[field(1, &[]), signature.clone()].concat()), no_type(None));
    for other in 2..=4 {
        let body = [field(1, &field(other, &[5; 33])), signature.clone()].concat();
        assert_eq!(read(&body), no_type(Some(other.into())));
    }
    assert_eq!(read(&[field(1, &field(5, &[5; 32])), signature.clone()].concat()), no_type(None));
    for length in [0, 31, 33] {
        let body = [field(1, &field(1, &std::vec![5; length])), signature.clone()].concat();
        assert_eq!(read(&body), (Some(HandshakeError::NodeKeyLength { length }), None));
    }
    for length in [0, 63, 65] {
        let body = [field(1, &field(1, &[5; 32])), field(2, &std::vec![3; length])].concat();
        assert_eq!(read(&body), (None, Some(HandshakeError::SignatureLength { length })));
    }
    assert_eq!(read(&field(1, &field(1, &[5; 32]))).1, Some(HandshakeError::SignatureLength { length: 0 }));
}

#[test]
fn a_length_over_the_limit_is_refused_before_the_message_comes() {
    let too_long = |stage, length, limit| Some(HandshakeError::TooLong { stage, length, limit });
    assert_eq!(read_key(&[0x80, 0x01]), Ok(None));
    assert_eq!(read_key(&[0x81, 0x01]).err(), too_long(Stage::EphemeralKey, 129, 128));
    assert_eq!(read_auth(&[0x80, 0x02]), Ok(None));
    assert_eq!(read_auth(&[0x81, 0x02]).err(), too_long(Stage::Authentication, 257, 256));
    let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    assert_eq!(read_key(&most).err(), too_long(Stage::EphemeralKey, u64::MAX, 128));
    let error = DecodeError::new(DecodeRule::PrefixOverflow, 0);
    assert_eq!(read_key(&[0xff; 10]), Err(HandshakeError::Decode { stage: Stage::EphemeralKey, error }));
}

#[test]
fn bytes_that_are_no_such_message_are_refused_with_the_rule() {
    let wrong_type = DecodeError::new(DecodeRule::WrongWireType { field: 1, wire_type: 0 }, 1);
    let error = HandshakeError::Decode { stage: Stage::EphemeralKey, error: wrong_type };
    assert_eq!(read_key(&[2, 0x08, 0x01]), Err(error));
    let cut = DecodeError::new(DecodeRule::Truncated, 2);
    assert_eq!(read_key(&[2, 0x0a, 0x20]), Err(HandshakeError::Decode { stage: Stage::EphemeralKey, error: cut }));
    for body in [&[0x08, 0x01][..], &[0x10, 0x01], &[0x0a, 0x02, 0x08, 0x01], &[0x0a, 0x09], &[0x0c]] {
        let refused = read_auth(&delimited(body)).unwrap_err();
        assert!(matches!(refused, HandshakeError::Decode { stage: Stage::Authentication, .. }), "{body:?}: {refused}");
    }
}
