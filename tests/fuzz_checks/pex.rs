//! Peer exchange: the messages, and an address book that anybody may fill.

use std::net::IpAddr;

use arbitrary::{Arbitrary, Unstructured};
use mconn::peer::pex::{AddressBook, BookConfig, MAX_ADDRESSES, PexMessage, is_routable};
use mconn::peer::{Host, PeerAddress};
use mconn::secret::NodeId;
use mconn::time::{Duration, Instant};

#[derive(Arbitrary, Debug)]
enum Operation<'a> {
    Message { from: u8, bytes: &'a [u8] },
    Add { id: u8, ip: [u8; 4], port: u16, from: u8 },
    Attempt { id: u8 },
    Good { id: u8 },
    Bad { id: u8, seconds: u8 },
    Forget { id: u8 },
    Wait { seconds: u16 },
    Pick { percent_new: u8 },
    Select,
}

fn id(number: u8) -> NodeId {
    NodeId::from_bytes([number; 20])
}

/// Any bytes as a message: what is read can be written and read again. Then any operations on a small book.
pub(crate) fn check(data: &[u8]) {
    check_message(data);
    let mut config = BookConfig::default();
    (config.max_new, config.max_tried, config.max_banned) = (12, 4, 3);
    (config.max_new_per_source, config.max_new_per_network) = (6, 5);
    let (max_new, max_tried) = (config.max_new, config.max_tried);
    let mut book = AddressBook::new(id(0), config, data.len() as u64);
    let mut now = Instant::from_secs(1);
    let mut input = Unstructured::new(data);
    while let Ok(operation) = input.arbitrary::<Operation<'_>>() {
        operate(&mut book, &mut now, operation);
        assert!(book.tried() <= max_tried && book.len() - book.tried() <= max_new, "{book:?}");
        assert_eq!(book.iter().filter(|known| known.tried).count(), book.tried());
        for known in book.iter() {
            let Host::Ip(ip) = known.address.at.host else { panic!("a name in the book") };
            assert!(is_routable(ip) && known.address.at.port != 0 && known.address.id != id(0), "{known:?}");
        }
        if input.is_empty() {
            break;
        }
    }
}

fn check_message(data: &[u8]) -> Option<Vec<PeerAddress>> {
    let message = PexMessage::decode(data).ok()?;
    let written = message.encode();
    assert_eq!(PexMessage::decode(&written).as_ref(), Ok(&message));
    match message {
        PexMessage::Request => None,
        PexMessage::Addresses(addresses) => {
            assert!(addresses.len() <= MAX_ADDRESSES);
            Some(addresses)
        }
    }
}

fn operate(book: &mut AddressBook, now: &mut Instant, operation: Operation<'_>) {
    match operation {
        Operation::Message { from, bytes } => {
            for address in check_message(bytes).unwrap_or_default() {
                let _ = book.add(*now, address, id(from));
            }
        }
        Operation::Add { id: of, ip, port, from } => {
            let at = std::net::SocketAddr::new(IpAddr::from(ip), port).into();
            let address = PeerAddress { id: id(of), at };
            let banned = book.is_banned(*now, &id(of));
            if book.add(*now, address.clone(), id(from)) == Ok(true) {
                assert!(!banned);
                assert_eq!(book.get(&id(of)).map(|known| &known.address), Some(&address));
            }
        }
        Operation::Attempt { id: of } => book.mark_attempt(*now, &id(of)),
        Operation::Good { id: of } => book.mark_good(*now, &id(of)),
        Operation::Bad { id: of, seconds } => {
            book.mark_bad(*now, id(of), Duration::from_secs(seconds.into()));
            assert!(book.get(&id(of)).is_none());
        }
        Operation::Forget { id: of } => book.forget(&id(of)),
        Operation::Wait { seconds } => *now += Duration::from_secs(seconds.into()),
        Operation::Pick { percent_new } => {
            let picked = book.pick(percent_new.into(), |_| true);
            assert_eq!(picked.is_none(), book.is_empty());
        }
        Operation::Select => assert_eq!(book.selection().len(), book.len().min(32)),
    }
}
