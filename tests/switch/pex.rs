//! Peer exchange between switches.

use bytes::Bytes;
use mconn::connection::ChannelConfig;
use mconn::peer::pex::{CHANNEL, PexConfig, PexMessage, PexReactor};
use mconn::peer::switch::{Context, EndReason, Event, Switch, SwitchConfig};
use mconn::peer::{NodeInfo, PeerAddress, Reactor};
use mconn::secret::NodeId;
use mconn::time::{Duration, Instant};

use crate::net::{Net, address, builder, key};

fn node(seed: u8, known: &[u8], config: PexConfig) -> Switch {
    let mut reactor = PexReactor::new(key(seed).id(), config, seed.into());
    for other in known {
        assert_eq!(reactor.book_mut().add(Instant::ZERO, address(*other), key(seed).id()), Ok(true));
    }
    let mut builder = builder(seed, SwitchConfig::default());
    builder.add_reactor(reactor).unwrap();
    builder.build(seed.into(), Instant::ZERO).unwrap()
}

/// A node that says on the channel of peer exchange what it is told to say.
fn liar(seed: u8) -> Switch {
    struct Liar;
    impl Reactor for Liar {
        fn channels(&self) -> Vec<ChannelConfig> {
            vec![ChannelConfig::new(CHANNEL, 1)]
        }
        fn receive(&mut self, _: &mut Context<'_>, _: NodeId, _: u8, _: Bytes) {}
    }
    let mut builder = builder(seed, SwitchConfig::default());
    builder.add_reactor(Liar).unwrap();
    builder.build(seed.into(), Instant::ZERO).unwrap()
}

#[test]
fn nodes_find_each_other_from_one_address() {
    // A chain: each knows the one before it.
    let mut net = Net::new((1..=8).map(|seed| {
        let known: &[u8] = if seed == 1 { &[] } else { &[seed - 1] };
        (seed, node(seed, known, PexConfig::default()))
    }));
    net.pass(Duration::from_secs(300));
    for seed in 1..=8 {
        assert_eq!(net.peers(seed).len(), 7, "node {seed}");
        let book = net.switch(seed).reactor::<PexReactor>().unwrap().book();
        assert_eq!(book.len(), 7, "node {seed}");
    }
}

#[test]
fn seeds_are_dialled_when_nobody_is_known() {
    let mut config = PexConfig::default();
    config.seeds = vec![address(2)];
    let mut net = Net::new([(1, node(1, &[], config)), (2, node(2, &[], PexConfig::default()))]);
    net.pass(Duration::from_secs(1));
    assert_eq!(net.peers(1), [key(2).id()]);
    let mut config = PexConfig::default();
    config.dials = false;
    let mut net = Net::new([(1, node(1, &[2], config)), (2, node(2, &[], PexConfig::default()))]);
    net.pass(Duration::from_secs(100));
    assert_eq!(net.peers(1), []);
}

#[test]
fn who_is_not_there_is_dialled_less_and_less_and_forgotten() {
    let mut net = Net::new([(1, node(1, &[2], PexConfig::default()))]);
    net.pass(Duration::from_secs(1000));
    let dials = net.dials.len();
    assert!((6..=10).contains(&dials), "{dials}");
    net.pass(Duration::from_secs(2 * 24 * 60 * 60));
    assert_eq!(net.dials.len(), 16);
    assert!(net.switch(1).reactor::<PexReactor>().unwrap().book().is_empty());
}

#[test]
fn who_is_of_another_network_is_banned_and_who_is_elsewhere_is_not() {
    let mut info = NodeInfo::new(key(2).id(), "another", []);
    info.listen_addr = address(2).at.to_string();
    let mut other = Switch::builder(key(2), info);
    other.add_reactor(PexReactor::new(key(2).id(), PexConfig::default(), 1)).unwrap();
    let mut net = Net::new([(1, node(1, &[2], PexConfig::default())), (2, other.build(1, Instant::ZERO).unwrap())]);
    let wrong = PeerAddress { id: key(3).id(), at: address(2).at };
    net.switch(1).with_reactor(Instant::ZERO, |reactor: &mut PexReactor, _| {
        reactor.book_mut().add(Instant::ZERO, wrong, key(4).id()).unwrap();
    });
    net.pass(Duration::from_secs(40));
    let now = net.now;
    net.switch(1).with_reactor(now, |reactor: &mut PexReactor, _| {
        let book = reactor.book_mut();
        assert!(book.is_empty(), "{book:?}");
        assert!(book.is_banned(now, &key(2).id()) && !book.is_banned(now, &key(3).id()));
    });
}

/// A liar is a peer, says this, and has to go, or not.
fn lies(messages: &[Bytes], pause: Duration) -> Option<String> {
    let mut net = Net::new([(1, node(1, &[], PexConfig::default())), (2, liar(2))]);
    net.act(2, |context| context.dial(&address(1))).unwrap();
    for message in messages {
        let _ = net.act(2, |context| context.try_send(&key(1).id(), CHANNEL, message.clone()));
        net.pass(pause);
    }
    let ended = net.events.iter().find_map(|(seed, event)| match event {
        Event::Ended { reason: EndReason::Stopped { why }, .. } if *seed == 1 => Some(why.clone()),
        _ => None,
    });
    let now = net.now;
    let book =
        net.switch(1).with_reactor(now, |reactor: &mut PexReactor, _| reactor.book_mut().is_banned(now, &key(2).id()));
    assert_eq!(book, Some(ended.is_some()));
    ended
}

#[test]
fn who_breaks_the_rules_is_stopped_and_banned() {
    let request = PexMessage::Request.encode();
    let often = || [request.clone(), request.clone(), request.clone()];
    assert_eq!(lies(&often(), Duration::from_secs(9)), Some("peer exchange: it asks too often".into()));
    assert_eq!(lies(&often(), Duration::from_secs(10)), None);
    assert_eq!(lies(&often()[..2], Duration::ZERO), None);
    let answer = PexMessage::Addresses(Vec::<PeerAddress>::new()).encode();
    // The first ensuring asks every peer that is there.
    assert_eq!(lies(&[answer], Duration::ZERO), Some("peer exchange: an answer that nobody asked for".into()));
    let garbage = lies(&[Bytes::from("garbage")], Duration::ZERO).unwrap();
    assert!(garbage.starts_with("peer exchange: "), "{garbage}");
}
