use std::collections::BTreeSet;

use super::*;

fn id(number: u32) -> NodeId {
    let mut bytes = [0; 20];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    NodeId::from_bytes(bytes)
}

/// A node in a network of its own.
fn address(number: u32) -> PeerAddress {
    at(number, [20 + (number >> 8) as u8, number as u8, 1, 1])
}

fn at(number: u32, ip: [u8; 4]) -> PeerAddress {
    PeerAddress { id: id(number), at: std::net::SocketAddr::from((ip, 26_656)).into() }
}

fn book(config: BookConfig) -> AddressBook {
    AddressBook::new(id(0), config, 7)
}

const NOW: Instant = Instant::from_secs(1000);

/// That what is counted is what is there.
fn check(book: &AddressBook) {
    let new: Vec<_> = book.iter().filter(|known| !known.tried).collect();
    assert_eq!(book.len(), new.len() + book.tried());
    assert!(new.len() <= book.config.max_new && book.tried() <= book.config.max_tried);
    assert_eq!(book.by_source.values().sum::<usize>(), new.len());
    assert_eq!(book.by_network.values().sum::<usize>(), new.len());
    assert!(book.banned.len() <= book.config.max_banned);
    let sources: BTreeSet<_> = new.iter().map(|known| known.source).collect();
    assert_eq!(sources.len(), book.by_source.len());
}

#[test]
fn addresses_that_nobody_can_use_are_refused() {
    let mut book = book(BookConfig::default());
    let mut add = |address: PeerAddress| book.add(NOW, address, id(9));
    assert_eq!(add(address(0)), Err(BookRefusal::Ourselves));
    let ip = [192, 168, 0, 1].into();
    assert_eq!(add(at(1, [192, 168, 0, 1])), Err(BookRefusal::NotRoutable { ip }));
    let name = "0000000100000000000000000000000000000000@example.com:1".parse().unwrap();
    assert_eq!(add(name), Err(BookRefusal::Name));
    let mut no_port = address(1);
    no_port.at.port = 0;
    assert_eq!(add(no_port), Err(BookRefusal::NoPort));
    assert!(book.is_empty());
    let mut private = self::book(BookConfig { allow_private: true, ..BookConfig::default() });
    assert_eq!(private.add(NOW, at(1, [192, 168, 0, 1]), id(9)), Ok(true));
}

#[test]
fn a_node_has_one_address_and_another_only_when_it_is_not_there() {
    let mut book = book(BookConfig::default());
    assert_eq!(book.add(NOW, address(1), id(9)), Ok(true));
    assert_eq!(book.add(NOW, at(1, [8, 8, 8, 8]), id(9)), Ok(false));
    book.mark_attempt(NOW, &id(1));
    assert_eq!(book.add(NOW, address(1), id(9)), Ok(false));
    assert_eq!(book.add(NOW, at(1, [8, 8, 8, 8]), id(9)), Ok(true));
    assert_eq!(book.get(&id(1)).unwrap().address, at(1, [8, 8, 8, 8]));
    book.mark_good(NOW, &id(1));
    book.mark_attempt(NOW, &id(1));
    assert_eq!(book.add(NOW, address(1), id(9)), Ok(false));
    check(&book);
}

#[test]
fn who_is_never_there_is_forgotten_and_who_was_there_is_not() {
    let mut book = book(BookConfig::default());
    book.add(NOW, address(1), id(9)).unwrap();
    book.add(NOW, address(2), id(9)).unwrap();
    book.mark_good(NOW, &id(2));
    for _ in 0..16 {
        assert_eq!(book.len(), 2);
        book.mark_attempt(NOW, &id(1));
        book.mark_attempt(NOW, &id(2));
    }
    assert_eq!((book.get(&id(1)), book.get(&id(2)).unwrap().attempts), (None, 16));
    check(&book);
}

#[test]
fn who_misbehaves_is_banned_for_a_while() {
    let mut book = book(BookConfig { max_banned: 2, ..BookConfig::default() });
    book.add(NOW, address(1), id(9)).unwrap();
    book.mark_bad(NOW, id(1), Duration::from_secs(10));
    assert_eq!(book.add(NOW, address(1), id(9)), Err(BookRefusal::Banned));
    assert_eq!(book.add(NOW + Duration::from_secs(10), address(1), id(9)), Ok(true));
    for number in 2..9 {
        book.mark_bad(NOW, id(number), Duration::from_secs(number.into()));
        check(&book);
    }
    assert!(book.is_banned(NOW, &id(8)) && !book.is_banned(NOW, &id(2)));
}

#[test]
fn nobody_fills_the_book() {
    let mut book = book(BookConfig::default());
    let from_one = (1..1000).filter(|number| book.add(NOW, address(*number), id(5000)) == Ok(true)).count();
    assert_eq!(from_one, 512);
    assert_eq!(book.add(NOW, address(999), id(5000)), Err(BookRefusal::SourceFull));
    assert_eq!(book.add(NOW, address(999), id(5001)), Ok(true));
    let in_one = (2000..3000).filter(|number| {
        let ip = [90, 90, (number >> 8) as u8, *number as u8];
        book.add(NOW, at(*number, ip), id(*number)) == Ok(true)
    });
    assert_eq!(in_one.count(), 256);
    assert_eq!(book.add(NOW, at(3000, [90, 90, 1, 1]), id(1)), Err(BookRefusal::NetworkFull));
    check(&book);
}

#[test]
fn a_full_book_lets_go_of_what_was_dialled_in_vain() {
    let config = BookConfig { max_new: 10, max_tried: 3, ..BookConfig::default() };
    let mut book = book(config);
    for number in 1..=10 {
        book.add(NOW, address(number), id(number)).unwrap();
    }
    book.mark_attempt(NOW, &id(4));
    book.add(NOW, address(11), id(9)).unwrap();
    assert_eq!(book.get(&id(4)), None);
    for number in 12..100 {
        book.add(NOW, address(number), id(9)).unwrap();
        check(&book);
    }
    let all: Vec<_> = book.iter().map(|known| known.address.id).collect();
    for (second, id) in (0..).zip(&all) {
        book.mark_good(NOW + Duration::from_secs(second), id);
        check(&book);
    }
    assert_eq!(book.iter().map(|known| known.address.id).collect::<Vec<_>>(), all[7..]);
}

#[test]
fn picks_and_selections_follow_from_the_seed() {
    let fill = |seed| {
        let mut book = AddressBook::new(id(0), BookConfig::default(), seed);
        for number in 1..=500 {
            book.add(NOW, address(number), id(number)).unwrap();
        }
        (1..=100).for_each(|number| book.mark_good(NOW, &id(number)));
        book
    };
    let (mut one, mut same, mut other) = (fill(1), fill(1), fill(2));
    let selection = one.selection();
    assert_eq!((selection.len(), &selection), (115, &same.selection()));
    assert_ne!(selection, other.selection());
    assert_eq!(selection.iter().collect::<BTreeSet<_>>().len(), 115);
    let new = (0..1000).filter(|_| one.pick(30, |_| true).unwrap().id > id(100)).count();
    assert!(new.abs_diff(300) < 60, "{new}");
    assert_eq!(one.pick(100, |known| known.address.id == id(3)), Some(address(3)));
    assert_eq!(one.pick(50, |_| false), None);
    assert!(book(BookConfig::default()).selection().is_empty());
}
