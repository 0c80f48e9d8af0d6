//! The messages as bytes.

use bytes::Bytes;
use proptest::prelude::*;

use crate::file_transfer::checksum::Checksum;
use crate::file_transfer::name::FileName;
use crate::file_transfer::protocol::{MAX_DATA, MAX_MESSAGE, Malformed, Message, Offer, VERSION};
use crate::programs::checksum;

#[test]
fn each_message_is_what_it_was() {
    let offer = Offer { version: VERSION, size: 1 << 40, checksum: checksum(b"x"), name: "é.bin".into() };
    for message in [
        Message::Offer(offer),
        Message::Have { length: 77, checksum: Checksum::none() },
        Message::From(u64::MAX),
        Message::Data(vec![5; MAX_DATA].into()),
        Message::Done,
        Message::Failed("no room".into()),
    ] {
        let bytes = message.encode();
        assert!(bytes.len() <= MAX_MESSAGE);
        assert_eq!(Message::decode(bytes), Ok(message));
    }
    let data = [9; 100];
    let read = Message::encode_data(&data[..], 60).unwrap();
    assert_eq!(read, Message::Data(data[..60].to_vec().into()).encode());
}

#[test]
fn what_is_cut_or_goes_on_is_no_message() {
    let offer = Offer { version: VERSION, size: 3, checksum: checksum(b"x"), name: String::new() };
    for message in [Message::Offer(offer), Message::Have { length: 7, checksum: Checksum::none() }, Message::From(8)] {
        let bytes = message.encode();
        for len in 1..bytes.len() {
            let cut = Message::decode(bytes.slice(..len));
            assert!(matches!(cut, Err(Malformed::Length { .. })), "{message:?} cut to {len}: {cut:?}");
        }
    }
    for message in [Message::From(8), Message::Done, Message::Have { length: 7, checksum: Checksum::none() }] {
        let longer = Bytes::from([&message.encode()[..], b"x"].concat());
        assert!(matches!(Message::decode(longer), Err(Malformed::Length { .. })));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(message) = Message::decode(bytes.clone().into()) {
            // A text that is no UTF-8 is replaced, and a later version is not read further.
            let same = !matches!(message, Message::Failed(_) | Message::Offer(_));
            prop_assert!(!same || message.encode() == bytes);
        }
    }

    #[test]
    fn a_name_never_leads_out_of_the_folder(name in any::<String>()) {
        let folder = std::path::Path::new("/some/folder");
        if let Ok(name) = FileName::new(&name) {
            for path in [name.complete(folder), name.part(folder), name.state(folder)] {
                prop_assert_eq!(path.parent(), Some(folder));
                prop_assert!(path.file_name().is_some_and(|file| file.len() <= 255));
            }
        }
    }
}
