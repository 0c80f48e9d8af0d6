//! Persistent peers, and two nodes that dial each other.

use mconn::peer::switch::{Command, EndReason, Event, SwitchConfig};
use mconn::time::{Duration, Instant};

use crate::net::{Net, address, key, node};

#[test]
fn a_persistent_peer_is_dialled_for_a_day_and_then_given_up() {
    let (mut switch, _) = node(1, SwitchConfig::default());
    assert!(switch.add_persistent_peer(Instant::ZERO, address(2)));
    assert!(!switch.add_persistent_peer(Instant::ZERO, address(1)));
    let mut net = Net::new([(1, switch)]);
    net.pass(Duration::from_secs(3 * 24 * 60 * 60));
    assert_eq!(net.dials.len(), 30);
    assert!(net.dials[0].0 <= Instant::from_secs(3));
    let waits: Vec<_> = net.dials.windows(2).map(|pair| pair[1].0.saturating_duration_since(pair[0].0)).collect();
    for (number, wait) in waits.iter().enumerate() {
        let least = match number {
            0..19 => 5,
            19 => 8,
            _ => 3_u64.pow(number as u32 - 18),
        };
        let extra = wait.checked_sub(Duration::from_secs(least)).unwrap();
        assert!(extra <= Duration::from_secs(3), "{number}: {wait:?}");
    }
    assert!(waits[0] != waits[1], "no chance in it");
    assert_eq!(net.events.last(), Some(&(1, Event::GaveUp { address: address(2) })));
    assert_eq!(net.switch(1).persistent_peers().count(), 1);
}

#[test]
fn a_persistent_peer_comes_back_at_once_and_when_it_is_there_again() {
    let (mut switch, _) = node(1, SwitchConfig::default());
    switch.add_persistent_peer(Instant::ZERO, address(2));
    let mut net = Net::new([(1, switch), (2, node(2, SwitchConfig::default()).0)]);
    net.pass(Duration::from_secs(10));
    assert_eq!(net.peers(1), [key(2).id()]);
    assert!(net.act(1, |context| context.peer(&key(2).id()).unwrap().is_persistent()));
    net.cut(1);
    assert_eq!((net.dials.len(), net.peers(1).len()), (1, 0));
    net.pass(Duration::ZERO);
    assert_eq!((net.dials.len(), net.peers(1).len()), (2, 1));

    // It ends again before it counts as stable: that is a dial that has failed.
    net.cut(1);
    net.pass(Duration::from_secs(4));
    assert_eq!(net.dials.len(), 2);
    net.pass(Duration::from_secs(5));
    assert_eq!((net.dials.len(), net.peers(1).len()), (3, 1));

    // It is away for a while.
    net.pass(Duration::from_secs(60));
    net.cut(1);
    let away = net.switches.remove(&2).unwrap();
    drop(away);
    net.pass(Duration::from_secs(30));
    assert!(net.dials.len() > 6 && net.peers(1).is_empty());
    net.switches.insert(2, node(2, SwitchConfig::default()).0);
    net.pass(Duration::from_secs(9));
    assert_eq!(net.peers(1).len(), 1);

    // Nobody wants it any more.
    net.switch(1).remove_persistent_peer(&key(2).id());
    net.cut(1);
    net.pass(Duration::from_secs(100));
    assert!(net.peers(1).is_empty());
}

#[test]
fn who_has_dialled_us_is_not_dialled() {
    let (mut switch, _) = node(1, SwitchConfig::default());
    switch.add_persistent_peer(Instant::ZERO, address(2));
    let mut net = Net::new([(1, switch), (2, node(2, SwitchConfig::default()).0)]);
    net.act(2, |context| context.dial(&address(1))).unwrap();
    net.pass(Duration::from_secs(100));
    assert_eq!((net.dials.len(), net.peers(1).len()), (1, 1));
    net.cut(2);
    net.pass(Duration::from_secs(1));
    assert_eq!((net.dials.len(), net.peers(1).len()), (2, 1));
}

#[test]
fn two_that_dial_each_other_keep_the_connection_of_the_smaller_id() {
    let mut net = Net::new([1, 2].map(|seed| (seed, node(seed, SwitchConfig::default()).0)));
    net.hold_dials = true;
    net.act(1, |context| context.dial(&address(2))).unwrap();
    net.act(2, |context| context.dial(&address(1))).unwrap();
    net.answer_dials();
    assert_eq!((net.peers(1).len(), net.peers(2).len()), (1, 1));
    net.pass(Duration::from_secs(10));
    let smaller = if key(1).id() < key(2).id() { 1 } else { 2 };
    for seed in [1, 2] {
        let other = key(3 - seed).id();
        let outbound = net.act(seed, |context| context.peer(&other).map(|peer| peer.is_outbound()));
        assert_eq!(outbound, Some(seed == smaller));
        let ended = net.events.iter().filter(|(of, event)| *of == seed && matches!(event, Event::Ended { .. }));
        assert_eq!(ended.count(), 1);
    }
    let reasons = net.events.iter().filter_map(|(_, event)| match event {
        Event::Ended { reason, .. } => Some(reason),
        _ => None,
    });
    assert!(reasons.clone().any(|reason| *reason == EndReason::SimultaneousDial), "{:?}", reasons.collect::<Vec<_>>());
}

#[test]
fn the_connection_that_stands_by_is_fed_when_the_other_one_breaks() {
    let mut net = Net::new([1, 2].map(|seed| (seed, node(seed, SwitchConfig::default()).0)));
    net.hold_dials = true;
    net.act(1, |context| context.dial(&address(2))).unwrap();
    net.act(2, |context| context.dial(&address(1))).unwrap();
    net.answer_dials();
    let started = |net: &Net| {
        let of_one = net.events.iter().filter(|(of, _)| *of == 1);
        let connections = of_one.filter_map(|(_, event)| match event {
            Event::PeerStarted { connection, .. } => Some(*connection),
            _ => None,
        });
        connections.collect::<Vec<_>>()
    };
    let [first] = started(&net)[..] else { panic!("{:?}", net.events) };
    let now = net.now;
    let switch = net.switch(1);
    switch.transport_failed(now, first);
    let commands: Vec<_> = std::iter::from_fn(|| switch.poll_command()).collect();
    let [Command::HangUp { connection, flush: false }, rest @ ..] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!(*connection, first);
    net.settle();
    let [_, second] = started(&net)[..] else { panic!("{:?}", net.events) };
    assert!(rest.contains(&Command::Feed { connection: second }), "{commands:?}");
    assert_eq!(net.peers(1), [key(2).id()]);
}
