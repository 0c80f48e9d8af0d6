//! What the format can not do, and what ours limits.

use bytes::Bytes;
use mconn::sliding_window::legacy::{LegacyConfig, TcpEvent};
use mconn::sliding_window::{
    CloseReason, Config, ConfigError, Event, Expires, Input, PeerFault, SendOptions, SendRefusal, SlidingWindow,
};
use mconn::time::Instant;

use crate::support::{NONCES, Solo, clock, config, config_with, encode, go, go_ack, go_data, payload, secs};

fn refused(config: Config) -> ConfigError {
    SlidingWindow::connect(config, Instant::ZERO).expect_err("it can not work")
}

#[test]
fn bad_configurations_are_refused() {
    for nonce in ["", "short", &"x".repeat(31), &format!("{}-", &NONCES[0][..29]), &"é".repeat(15)] {
        assert_eq!(refused(config_with(0, |legacy| legacy.nonce = nonce.into())), ConfigError::Nonce, "{nonce}");
    }
    let name = |error| match error {
        ConfigError::OutOfRange { name, .. } => name,
        other => panic!("{other}"),
    };
    assert_eq!(name(refused(config_with(0, |legacy| legacy.inbox.clear()))), "inbox");
    assert_eq!(name(refused(config_with(0, |legacy| legacy.inbox = "x".repeat(256)))), "inbox");
    assert_eq!(name(refused(config_with(0, |legacy| legacy.peer_inbox.clear()))), "peer_inbox");
    assert_eq!(name(refused(config_with(0, |legacy| legacy.peer_window = Some(0)))), "peer_window");
    assert_eq!(name(refused(config_with(0, |legacy| legacy.fin_attempts = 0))), "fin_attempts");
    assert_eq!(name(refused(config_with(0, |legacy| legacy.max_timeout = legacy.min_timeout / 2))), "max_timeout");
    let mut small = config(0);
    small.max_datagram = 500;
    assert_eq!(name(refused(small)), "max_datagram");
    let mut half = config(0);
    half.half_close = true;
    assert_eq!(refused(half), ConfigError::Unsupported { what: "half_close" });
}

#[test]
fn what_the_format_can_not_do_is_refused() {
    let mut solo = Solo::called(config(0));
    let refusal = |solo: &mut Solo, len, options| {
        let error = solo.machine.try_send(solo.now, payload(1, len), &options).expect_err("refused");
        assert_eq!(error.message.len(), len, "it comes back");
        error.refusal
    };
    let unordered = SendRefusal::Unsupported { what: "unordered delivery" };
    assert_eq!(refusal(&mut solo, 1, SendOptions::UNORDERED), unordered);
    let expiring = SendOptions::ORDERED.expires(Expires::Transmissions(3));
    assert_eq!(refusal(&mut solo, 1, expiring), SendRefusal::Unsupported { what: "expiry" });
    let SendRefusal::TooLarge { limit } = refusal(&mut solo, 65_507, SendOptions::ORDERED) else { panic!("too large") };
    // The largest fits, with the longest numbers.
    solo.send(payload(1, limit));
    let sent = solo.packets();
    assert!((65_300..=65_507).contains(&encode(&sent[0]).len()), "{}", encode(&sent[0]).len());
    assert!(solo.machine.into_resumable().is_none());
}

#[test]
fn receipts_mean_that_the_peer_s_application_has_consumed() {
    let mut solo = Solo::called(config(0));
    let receipt = SendOptions::ORDERED.with_receipt();
    let ids: Vec<_> = (0..3).map(|_| solo.machine.try_send(solo.now, "x".into(), &receipt).expect("room")).collect();
    let data = solo.packets();
    solo.answer(&go_ack(1, &data[1]));
    let receipts: Vec<_> = solo.events.iter().filter(|event| matches!(event, Event::Receipt(_))).collect();
    assert_eq!(receipts, [&Event::Receipt(ids[0]), &Event::Receipt(ids[1])]);
}

#[test]
fn a_message_above_our_limit_ends_the_session() {
    let mut config = config(0);
    config.receive.max_message = 100;
    let mut solo = Solo::called(config);
    solo.answer(&go_data(0, 101, &[7; 101]));
    let fault = PeerFault::MessageTooLarge { size: 101, limit: 100 };
    assert_eq!(solo.closed(), Some(&CloseReason::Peer(fault)));
}

#[test]
fn memory_stays_within_the_limit_whatever_a_peer_sends() {
    let mut config = config(0);
    (config.receive.window, config.receive.max_bytes, config.receive.max_message) = (16, 1_000, 300);
    config.delivery = mconn::sliding_window::Delivery::Pull;
    let mut solo = Solo::called(config);
    for number in (0..40).rev() {
        solo.hear(&go_data(number, number * 300, &[7; 300]));
        let held = solo.machine.status(solo.now).receive.held_bytes;
        assert!(held <= 1_300, "what was granted, and one message: {held}");
    }
}

#[test]
fn nobody_answers() {
    let mut solo = Solo::calling(config(0));
    let sent = solo.sleep(secs(1_000));
    assert_eq!((sent.len(), sent.iter().all(|packet| packet.event == TcpEvent::Syn)), (8, true));
    assert_eq!(solo.closed(), Some(&CloseReason::HandshakeTimeout { attempts: 8 }));
}

#[test]
fn a_peer_that_falls_silent_is_noticed() {
    let mut solo = Solo::called(config(0));
    solo.sleep(secs(26));
    assert_eq!(solo.closed(), Some(&CloseReason::IdleTimeout { timeout: secs(25) }));
    // Everything is lost: an end after a bounded number of packets.
    let mut config = config(0);
    (config.idle_timeout, config.max_probes) = (None, 6);
    let mut solo = Solo::called(config);
    solo.send("x");
    let sent = solo.sleep(secs(1_000));
    assert_eq!(solo.closed(), Some(&CloseReason::ProbesExhausted { probes: 7 }));
    assert!(sent.len() < 150, "{}", sent.len());
}

#[test]
fn a_window_that_stays_shut_ends_the_session() {
    let mut config = config(0);
    config.zero_window_timeout = Some(secs(30));
    let mut solo = Solo::called(config);
    (0..20).for_each(|number| solo.send(payload(number, 10)));
    let mut last = solo.packets().pop().expect("data");
    while solo.closed().is_none() && solo.now < Instant::from_secs(100) {
        // It lives, and consumes nothing.
        solo.hear(&go_ack(-1, &last));
        last = solo.sleep(secs(1)).pop().unwrap_or(last);
    }
    assert_eq!(solo.closed(), Some(&CloseReason::ZeroWindow { timeout: secs(30) }));
}

#[test]
fn a_listener_takes_whoever_calls_first_or_the_one_it_was_told() {
    let any = LegacyConfig::new("A", "", NONCES[0], clock());
    let mut solo = Solo::listening(Config::legacy(any));
    let mut other = go(TcpEvent::Syn);
    other.from = Bytes::from_static(b"somebody else");
    assert_eq!(solo.answer(&other)[0].dest, "somebody else");
    assert_eq!(solo.answer(&go(TcpEvent::Syn)), [], "it is taken");
    let mut told = Solo::listening(config(0));
    assert_eq!(told.answer(&other), []);
    assert_eq!(told.answer(&go(TcpEvent::Syn))[0].dest, "B");
}

/// Anybody can send a SYN to a caller; who knows our nonce is believed more.
#[test]
fn a_forged_syn_does_not_keep_the_real_peer_away() {
    let mut solo = Solo::calling(config(0));
    solo.packets();
    let mut forged = go(TcpEvent::Syn);
    forged.from_nonce = Bytes::from_static(&[b'z'; 30]);
    solo.answer(&forged);
    solo.answer(&go(TcpEvent::SynAck));
    assert!(solo.has(&Event::Connected));
    let mut ended = go(TcpEvent::Fin);
    ended.from_nonce = Bytes::from_static(&[b'z'; 30]);
    solo.answer(&ended);
    solo.send("x");
    assert_eq!(solo.packets()[0].dest_nonce, NONCES[1]);
}

#[test]
fn an_abort_is_silent_because_an_end_would_say_that_all_was_well() {
    let mut solo = Solo::called(config(0));
    solo.send("x");
    solo.packets();
    solo.handle(Input::Abort { code: 7, text: "no more" });
    assert_eq!(solo.sleep(secs(100)), []);
    assert_eq!(solo.closed(), Some(&CloseReason::Aborted { code: 7, text: "no more".into() }));
}
