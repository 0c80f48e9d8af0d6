use super::model::node;
use super::*;

fn table(limits: PeerLimits) -> Table {
    let mut table = Table::new(node(5), limits);
    table.add_reactor();
    table
}

fn ip(last: u8) -> IpAddr {
    [10, 0, 0, last].into()
}

/// All steps that wait, with their connections.
fn steps(table: &mut Table) -> std::vec::Vec<(u64, Action)> {
    core::iter::from_fn(|| table.next_step()).map(|step| (step.connection.get(), step.action)).collect()
}

/// Somebody connects and becomes a peer, or not.
fn joins(table: &mut Table, last: u8, id: u8) -> Admission {
    let connection = table.accept(ip(last)).unwrap();
    let admission = table.upgraded(connection, node(id));
    steps(table);
    admission
}

const INIT: Action = Action::Init { reactor: 0 };
const ADD: Action = Action::Add { reactor: 0 };
const REMOVE: Action = Action::Remove { reactor: 0 };

#[test]
fn a_connection_goes_its_way_from_init_to_gone() {
    let mut table = table(PeerLimits::default());
    let connection = table.dial(node(1), false).unwrap();
    assert!(table.dialled(connection, ip(1)));
    assert_eq!(table.upgraded(connection, node(1)), Admission::Admitted);
    assert_eq!(table.started(&node(1)), None);
    assert_eq!(steps(&mut table), [(0, INIT), (0, Action::Start), (0, ADD)]);
    assert_eq!(table.started(&node(1)), Some(connection));
    table.fail(connection);
    assert_eq!(table.started(&node(1)), None);
    assert_eq!(steps(&mut table), [(0, Action::HangUp), (0, REMOVE), (0, Action::Gone)]);
    assert!(table.is_empty());
}

#[test]
fn what_was_not_dialled_has_nothing_to_hang_up() {
    let mut table = table(PeerLimits::default());
    let connection = table.dial(node(1), false).unwrap();
    assert_eq!(table.dial(node(1), false), Err(DialRefusal::AlreadyThere { id: node(1) }));
    table.dial_failed(connection);
    assert_eq!(steps(&mut table), [(0, Action::Gone)]);
    assert!(!table.dialled(connection, ip(1)));
    assert!(table.dial(node(1), false).is_ok());
}

#[test]
fn we_are_no_peer_of_ours() {
    let mut table = table(PeerLimits::default());
    assert_eq!(table.dial(node(5), true), Err(DialRefusal::Ourselves));
    assert_eq!(joins(&mut table, 1, 5), Admission::Refused(PeerRefusal::Ourselves));
    assert!(table.is_empty());
}

#[test]
fn forty_peers_may_dial_us_and_those_for_whom_there_is_always_room() {
    let mut limits = PeerLimits::default();
    limits.unconditional.insert(node(200));
    let mut table = table(limits);
    for number in 100..140 {
        assert_eq!(joins(&mut table, number, number), Admission::Admitted);
    }
    let refused = Admission::Refused(PeerRefusal::TooManyInbound { limit: 40 });
    assert_eq!(joins(&mut table, 140, 140), refused);
    assert_eq!(joins(&mut table, 200, 200), Admission::Admitted);
    assert_eq!(joins(&mut table, 141, 141), refused);
    assert_eq!(table.started_peers().count(), 41);
}

#[test]
fn ten_peers_are_dialled_and_those_that_must_be() {
    let mut table = table(PeerLimits::default());
    for number in 100..110 {
        table.dial(node(number), false).unwrap();
    }
    assert_eq!(table.dial(node(110), false), Err(DialRefusal::TooManyOutbound { limit: 10 }));
    assert!(table.dial(node(110), true).is_ok());
}

#[test]
fn two_peers_have_no_address_in_common_unless_they_may() {
    let mut one = table(PeerLimits::default());
    one.accept(ip(1)).unwrap();
    assert_eq!(one.accept(ip(1)), Err(AcceptRefusal::DuplicateIp { ip: ip(1) }));
    let mapped = "::ffff:10.0.0.1".parse().unwrap();
    assert_eq!(one.accept(mapped), Err(AcceptRefusal::DuplicateIp { ip: ip(1) }));
    // We dial a node at that address: who it is decides.
    let dialled = one.dial(node(9), false).unwrap();
    assert!(one.dialled(dialled, ip(1)));
    assert_eq!(one.upgraded(dialled, node(9)), Admission::Admitted);
    let (first, _) = one.entries().next().unwrap();
    assert_eq!(one.upgraded(first, node(1)), Admission::Refused(PeerRefusal::DuplicateIp { ip: ip(1) }));

    let mut two = table(PeerLimits { allow_duplicate_ip: true, ..PeerLimits::default() });
    assert_eq!(joins(&mut two, 1, 1), Admission::Admitted);
    assert_eq!(joins(&mut two, 1, 2), Admission::Admitted);
    assert_eq!(joins(&mut two, 1, 2), Admission::Refused(PeerRefusal::DuplicateId { id: node(2) }));
}

#[test]
fn connections_of_unknown_peers_are_limited() {
    let mut table = table(PeerLimits { max_handshakes: 2, ..PeerLimits::default() });
    let first = table.accept(ip(1)).unwrap();
    table.accept(ip(2)).unwrap();
    assert_eq!(table.accept(ip(3)), Err(AcceptRefusal::TooManyHandshakes { limit: 2 }));
    table.upgraded(first, node(1));
    assert!(table.accept(ip(3)).is_ok());
}

#[test]
fn of_two_connections_that_both_stand_the_one_of_the_smaller_id_stays() {
    for (other, stays) in [(1, 1), (9, 0)] {
        let mut table = table(PeerLimits::default());
        let ours = table.dial(node(other), false).unwrap();
        table.dialled(ours, ip(1));
        let theirs = table.accept(ip(1)).unwrap();
        assert_eq!(table.upgraded(ours, node(other)), Admission::Admitted);
        assert_eq!(table.upgraded(theirs, node(other)), Admission::Standby);
        steps(&mut table);
        table.standby_expired(theirs);
        let expected: &[_] = match stays {
            0 => &[(1, Action::HangUp), (1, Action::Gone)],
            _ => &[(0, Action::HangUp), (0, REMOVE), (0, Action::Gone), (1, INIT), (1, Action::Start), (1, ADD)],
        };
        assert_eq!(steps(&mut table), expected);
        assert_eq!(table.started(&node(other)).map(ConnectionId::get), Some(stays));
    }
}

#[test]
fn the_one_that_stands_by_takes_the_place_of_the_one_that_ends_unless_there_is_no_room() {
    for (max_inbound, expected) in [(1, Some(1)), (0, None)] {
        let mut table = table(PeerLimits { max_inbound, ..PeerLimits::default() });
        let ours = table.dial(node(1), false).unwrap();
        table.dialled(ours, ip(1));
        table.upgraded(ours, node(1));
        let theirs = table.accept(ip(1)).unwrap();
        assert_eq!(table.upgraded(theirs, node(1)), Admission::Standby);
        table.fail(ours);
        steps(&mut table);
        assert_eq!(table.started(&node(1)).map(ConnectionId::get), expected);
        assert_eq!(table.is_empty(), expected.is_none());
    }
}

#[test]
fn what_was_dialled_goes_when_the_node_has_become_a_peer_meanwhile() {
    let mut table = table(PeerLimits::default());
    let ours = table.dial(node(1), false).unwrap();
    assert_eq!(joins(&mut table, 1, 1), Admission::Admitted);
    assert!(!table.dialled(ours, ip(1)));
    assert_eq!(steps(&mut table), [(0, Action::HangUp), (0, Action::Gone)]);
}

#[test]
fn without_reactors_a_peer_starts_all_the_same() {
    let mut table = Table::new(node(5), PeerLimits::default());
    let connection = table.accept(ip(1)).unwrap();
    table.upgraded(connection, node(1));
    assert_eq!(steps(&mut table), [(0, Action::Start)]);
    assert_eq!(table.entry(connection).unwrap().phase, Phase::Running);
}
