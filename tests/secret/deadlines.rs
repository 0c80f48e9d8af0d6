//! Deadlines, and the ends that are not the peer's fault.

use mconn::machine::{Fault, Machine};
use mconn::secret::{
    EphemeralSecret, ExpectedPeer, HandshakeConfig, HandshakeError, Input, NodeKey, SecretHandshake, Stage, Timer,
};
use mconn::time::{Duration, Instant};

use super::{end_of, failure, feed, half_way, handshake, output};

const STAGES: [Stage; 3] = [Stage::EphemeralKey, Stage::Authentication, Stage::Leaving];

/// A handshake that has come to `stage`.
fn at(stage: Stage) -> SecretHandshake {
    if stage == Stage::EphemeralKey {
        return handshake(1, 2);
    }
    let mut machine = handshake(1, 2);
    let mut peer = super::scripted::Scripted::new(&[4; 32], &machine.poll_transmit(Instant::ZERO).unwrap());
    feed(&mut machine, &super::scripted::key_message(&[4; 32]), false);
    if stage == Stage::Leaving {
        let auth = peer.auth(3);
        feed(&mut machine, &peer.frame(&auth), false);
    }
    machine
}

#[test]
fn the_default_is_that_of_cometbft() {
    let machine = handshake(1, 2);
    assert_eq!(machine.poll_timeout(), Some((Instant::from_secs(20), Timer::Handshake)));
}

#[test]
fn one_deadline_holds_for_the_whole_handshake() {
    for stage in STAGES {
        let mut machine = at(stage);
        assert_eq!(machine.poll_timeout(), Some((Instant::from_secs(20), Timer::Handshake)));
        machine.handle_timeout(Instant::from_nanos(19_999_999_999));
        machine.handle_timeout(Instant::ZERO);
        assert!(machine.poll_event().is_none());
        machine.handle_timeout(Instant::from_secs(20));
        let error = failure(&mut machine);
        assert_eq!(error, HandshakeError::Timeout { timeout: Duration::from_secs(20), stage });
        assert_eq!(error.fault(), Fault::Network);
    }
}

#[test]
fn a_deadline_may_be_set_or_left_out() {
    let start = |timeout| {
        let config = HandshakeConfig::default().timeout(timeout);
        let ephemeral = EphemeralSecret::from_random(&[2; 32]);
        let key = NodeKey::from_seed(&[1; 32]);
        SecretHandshake::new(&key, ephemeral, ExpectedPeer::Any, config, Instant::from_secs(7))
    };
    assert_eq!(start(Duration::from_secs(3)).poll_timeout(), Some((Instant::from_secs(10), Timer::Handshake)));
    let mut endless = start(Duration::MAX);
    assert_eq!(endless.poll_timeout(), None);
    endless.handle_timeout(Instant::MAX);
    assert!(endless.poll_event().is_none() && !endless.is_closed());
}

#[test]
fn our_own_end_and_that_of_the_transport_are_told_apart() {
    for stage in STAGES {
        let mut machine = at(stage);
        machine.handle(Instant::ZERO, Input::Close);
        let error = failure(&mut machine);
        assert_eq!((error.fault(), error), (Fault::Ours, HandshakeError::Local { stage }));

        let mut machine = at(stage);
        machine.handle(Instant::ZERO, Input::TransportFailed);
        let error = failure(&mut machine);
        assert_eq!((error.fault(), error), (Fault::Network, HandshakeError::TransportFailed { stage }));
    }
}

#[test]
fn nothing_changes_the_first_end() {
    let mut machine = at(Stage::Authentication);
    machine.handle(Instant::ZERO, Input::Close);
    machine.handle(Instant::ZERO, Input::TransportFailed);
    machine.handle_timeout(Instant::MAX);
    let left = feed(&mut machine, &[1; 2000], true);
    assert_eq!(left.len(), 2000);
    assert_eq!(failure(&mut machine), HandshakeError::Local { stage: Stage::Authentication });
    machine.handle(Instant::ZERO, Input::Close);
    assert!(machine.poll_event().is_none());
}

#[test]
fn the_end_is_told_when_the_last_output_was_taken_and_not_before() {
    let mut machine = at(Stage::Leaving);
    assert!(machine.poll_event().is_none() && machine.wants_write() && !machine.is_closed());
    assert_eq!(output(&mut machine).len(), 1044);
    assert!(!machine.wants_write() && !machine.is_closed());
    // The peer may close its side: what it had to say was said.
    feed(&mut machine, &[], true);
    assert!(end_of(&mut machine).is_ok());
}

#[test]
fn a_peer_that_closes_after_its_authentication_is_accepted() {
    let (mut machine, mut peer) = half_way();
    let auth = peer.auth(3);
    feed(&mut machine, &peer.frame(&auth), true);
    assert!(end_of(&mut machine).is_ok());
}

#[test]
fn secrets_are_not_printed() {
    for stage in STAGES {
        let printed = format!("{:?}", at(stage));
        assert!(printed.starts_with("SecretHandshake { stage: Some("), "{printed}");
        // The seed of the node and the ephemeral secret are rows of ones and of twos.
        assert!(!printed.contains("1, 1") && !printed.contains("2, 2"), "{printed}");
    }
}
