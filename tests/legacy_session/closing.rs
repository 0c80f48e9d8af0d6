//! The end.

use mconn::machine::Machine;
use mconn::sliding_window::legacy::{Packet, TcpEvent, TcpState, Timestamp, control};
use mconn::sliding_window::{CloseReason, Event, Input, SendOptions, SendRefusal};

use crate::support::{Solo, config, go, go_ack, go_data, ms, secs};

#[test]
fn a_fin_is_answered_and_what_we_accepted_goes_first() {
    let mut solo = Solo::called(config(0));
    solo.send("still to go");
    let data = solo.packets().pop().expect("data");
    assert_eq!(solo.answer(&go(TcpEvent::Fin)), [], "the answer waits for our data");
    let refusal = solo.machine.try_send(solo.now, "late".into(), &SendOptions::ORDERED).unwrap_err().refusal;
    assert_eq!(refusal, SendRefusal::Finished);
    let fin = Packet { data_sent_at: Timestamp::new(5, 6), ..go(TcpEvent::Fin) };
    solo.hear(&fin);
    let answers = solo.answer(&go_ack(0, &data));
    assert_eq!((answers.len(), answers[0].event), (1, TcpEvent::FinAck));
    assert_eq!((answers[0].ack_retry, answers[0].data_sent_at), (control::FIN, Timestamp::new(5, 6)));
    solo.sleep(secs(10));
    assert_eq!(solo.closed(), Some(&CloseReason::Finished));
    assert_eq!(solo.events.iter().rev().nth(1), Some(&Event::PeerFinished));
}

#[test]
fn a_closed_end_answers_a_fin_only_and_rarely() {
    let mut solo = Solo::called(config(0));
    solo.answer(&go(TcpEvent::Fin));
    solo.sleep(ms(1_100));
    assert_eq!(solo.machine.legacy_state(), Some(TcpState::Closed));
    assert!(solo.closed().is_none(), "it lingers");
    for kind in TcpEvent::NAMED {
        if *kind != TcpEvent::Fin && *kind != TcpEvent::Syn && *kind != TcpEvent::Data {
            assert_eq!(solo.answer(&go(*kind)), [], "{kind:?}");
        }
    }
    let mut answers = 0;
    for _ in 0..50 {
        answers += solo.answer(&go(TcpEvent::Fin)).len();
        solo.now += ms(10);
    }
    assert_eq!(answers, 5, "one in 100 ms");
    solo.sleep(secs(10));
    assert_eq!(solo.closed(), Some(&CloseReason::Finished));
    assert_eq!(solo.answer(&go(TcpEvent::Fin)), [], "and then it is gone");
    assert!(solo.machine.is_closed());
}

#[test]
fn both_close_at_once() {
    let mut solo = Solo::called(config(0));
    solo.handle(Input::Close);
    assert_eq!(solo.kinds(), [TcpEvent::Fin]);
    assert_eq!(solo.machine.legacy_state(), Some(TcpState::CloseInitiatorHasSentFin));
    assert_eq!(solo.answer(&go(TcpEvent::Fin)), []);
    assert_eq!(solo.machine.legacy_state(), Some(TcpState::Closed));
    // Ours was lost: the peer repeats its own.
    assert_eq!(solo.answer(&go(TcpEvent::Fin))[0].event, TcpEvent::FinAck);
    solo.sleep(secs(10));
    assert_eq!(solo.closed(), Some(&CloseReason::Finished));
}

#[test]
fn the_answer_to_our_fin_ends_it() {
    let mut solo = Solo::called(config(0));
    solo.answer(&go_data(0, 1, b"x"));
    solo.machine.finish(solo.now);
    assert_eq!(solo.kinds(), [TcpEvent::Fin]);
    // Its keepalive says that it has not heard our FIN, and is answered: it lives on until it has.
    assert_eq!(solo.answer(&go(TcpEvent::KeepAlive))[0].event, TcpEvent::DataAck);
    assert_eq!(solo.answer(&go(TcpEvent::FinAck)), []);
    assert_eq!(solo.closed(), Some(&CloseReason::Finished));
}

#[test]
fn whoever_listens_and_closes_was_never_connected() {
    let mut solo = Solo::listening(config(0));
    solo.handle(Input::Close);
    solo.packets();
    assert_eq!(solo.closed(), Some(&CloseReason::NeverConnected));
}

#[test]
fn a_close_before_the_answer_waits_for_it() {
    let mut solo = Solo::calling(config(0));
    solo.send("x");
    solo.handle(Input::Close);
    assert_eq!(solo.kinds(), [TcpEvent::Syn]);
    let sent = solo.answer(&go(TcpEvent::SynAck));
    assert_eq!(sent.iter().map(|packet| packet.event).collect::<Vec<_>>(), [TcpEvent::EstabAck, TcpEvent::Data]);
    assert_eq!(solo.answer(&go_ack(0, &sent[1]))[0].event, TcpEvent::Fin);
}

#[test]
fn data_that_are_never_acknowledged_are_told_at_the_end() {
    let mut config = config(0);
    config.close_timeout = secs(8);
    let mut solo = Solo::called(config);
    solo.send("x");
    solo.handle(Input::Close);
    solo.sleep(secs(9));
    let reason = CloseReason::CloseTimeout { timeout: secs(8), unacked_messages: 1 };
    assert_eq!(solo.closed(), Some(&reason));
}
