//! The defects of the original that concern its packets (go-sliding-window @ 7d8aad3), each with the proof that ours does not have
//! it. Those that a session of the original would have with itself are also run live in `tests/legacy_interop`.

use std::task::Poll;

use bytes::Bytes;
use mconn::machine::Machine;
use mconn::sliding_window::legacy::{Packet, TcpEvent, TcpState, control};
use mconn::sliding_window::{CloseReason, Delivery, Event, Input, SendOptions, SendRefusal, UnackedLimit};

use crate::support::{Solo, config, config_with, go, go_ack, go_data, ms, payload, secs};

/// 1. Its AckNum begins at 0 and rides on every packet: number 0 is acknowledged before it has arrived.
#[test]
fn defect_01_a_zero_that_may_mean_nothing_acknowledges_nothing() {
    let mut solo = Solo::called(config(0));
    solo.send("number 0");
    let data = solo.packets().pop().expect("data");
    for kind in [TcpEvent::SynAck, TcpEvent::KeepAlive, TcpEvent::DataAck, TcpEvent::EstabAck] {
        solo.hear(&go(kind));
        solo.packets();
        assert_eq!(solo.machine.status(solo.now).send.queued_messages, 1, "{kind:?}");
    }
    // Its data too carry 0, and its answer to a keepalive.
    solo.hear(&go_data(0, 1, b"x"));
    solo.hear(&Packet { ack_retry: control::KEEP_ALIVE, ..go(TcpEvent::DataAck) });
    solo.packets();
    assert_eq!(solo.machine.status(solo.now).send.queued_messages, 1);
    let again = solo.sleep(secs(3));
    assert!(again.iter().any(|packet| packet.event == TcpEvent::Data && packet.sequence == 0), "it is sent again");
    solo.hear(&go_ack(0, &data));
    assert_eq!(solo.machine.status(solo.now).send.queued_messages, 0, "an answer to data means it");
}

/// 2. What was to cure a lost ESTABACK is not on the wire.
#[test]
fn defect_02_whatever_carries_our_nonce_completes_the_handshake() {
    for proof in [go(TcpEvent::KeepAlive), go_data(0, 1, b"x"), go(TcpEvent::DataAck), go(TcpEvent::EstabAck)] {
        let mut solo = Solo::listening(config(0));
        assert_eq!(solo.answer(&go(TcpEvent::Syn)).len(), 1);
        assert!(!solo.has(&Event::Connected));
        solo.answer(&proof);
        assert!(solo.has(&Event::Connected), "{:?}", proof.event);
        assert_eq!(solo.machine.legacy_state(), Some(TcpState::Established));
    }
    // And a caller whose SYNACK was lost hears a keepalive.
    let mut solo = Solo::calling(config(0));
    solo.packets();
    assert_eq!(solo.answer(&go(TcpEvent::KeepAlive))[0].event, TcpEvent::EstabAck);
    assert!(solo.has(&Event::Connected));
}

/// 3. Its end overtakes data and is sent once: 11 of 20 trials lost data without any loss.
#[test]
fn defect_03_data_that_come_behind_the_end_are_delivered() {
    let mut solo = Solo::called(config(0));
    solo.hear(&go_data(0, 1, b"a"));
    solo.hear(&go(TcpEvent::Fin));
    solo.hear(&go_data(2, 3, b"c"));
    solo.packets();
    assert_eq!(solo.machine.legacy_state(), Some(TcpState::CloseResponderGotFin));
    // One is missing: the end waits for it.
    solo.sleep(secs(5));
    assert_eq!(solo.closed(), None);
    solo.hear(&go_data(1, 2, b"b"));
    solo.sleep(secs(10));
    assert_eq!(solo.messages(), ["a", "b", "c"]);
    assert_eq!(solo.closed(), Some(&CloseReason::Finished));
    assert_eq!(solo.events.iter().filter(|event| **event == Event::PeerFinished).count(), 1);
}

/// 3. What never comes is told.
#[test]
fn defect_03_an_end_with_a_gap_before_it_is_an_error() {
    let mut solo = Solo::called(config(0));
    solo.hear(&go_data(1, 2, b"b"));
    solo.hear(&go(TcpEvent::Fin));
    solo.sleep(secs(100));
    assert!(matches!(solo.closed(), Some(CloseReason::CloseTimeout { .. } | CloseReason::IdleTimeout { .. })));
    assert!(!solo.has(&Event::PeerFinished));
}

/// 4. Only the peer's window is a limit, but its packets live in a ring of its own. In ours both are limits.
#[test]
fn defect_04_both_windows_are_limits() {
    for (own, most) in [(2, 2), (64, 8)] {
        let mut config = config(0);
        config.send.window = own;
        let mut solo = Solo::called(config);
        (0..20).for_each(|number| solo.send(payload(number, 10)));
        let sent = solo.packets();
        assert_eq!(sent.iter().filter(|packet| packet.event == TcpEvent::Data).count(), most);
    }
}

/// 5. One packet of anybody ends its process.
#[test]
fn defect_05_no_packet_does_any_harm() {
    let mut solo = Solo::called(config(0));
    let hostile = [
        go_data(-1, 1, b"x"),
        go_data(i64::MIN, 1, b"x"),
        go_data(i64::MAX, i64::MAX, b"x"),
        go_data(3, i64::MIN, b"x"),
        go_data(2, 5_000, b"x"),
        Packet { ack: i64::MAX, ..go(TcpEvent::DataAck) },
        Packet { ack: i64::MIN, ..go(TcpEvent::KeepAlive) },
        Packet { available_bytes: i64::MIN, available_messages: i64::MIN, ..go(TcpEvent::KeepAlive) },
        Packet { from_nonce: Bytes::from_static(&[b'z'; 30]), ..go(TcpEvent::Syn) },
        Packet { dest_nonce: Bytes::from_static(&[b'z'; 30]), ..go(TcpEvent::Fin) },
        Packet { from: Bytes::from_static(b"C"), ..go(TcpEvent::Fin) },
        Packet { dest_nonce: Bytes::new(), ..go(TcpEvent::Fin) },
        Packet { checksum: Bytes::from_static(&[1; 64]), ..go_data(0, 1, b"x") },
    ];
    for packet in &hostile {
        solo.answer(packet);
    }
    for bytes in [&b""[..], b"\xde\x00\x15", &[0xff; 400], &[0xc1; 1]] {
        solo.handle(Input::Datagram(bytes));
    }
    // Simultaneous open with a lost ESTABACK ends its process as well: ours repeats it.
    assert_eq!(solo.machine.legacy_state(), Some(TcpState::Established));
    solo.answer(&go_data(0, 1, b"fine"));
    assert_eq!(solo.messages(), ["fine"]);
    let counters = solo.machine.status(solo.now).counters;
    assert_eq!((counters.wrong_tag, counters.wrong_check, counters.malformed), (4, 1, 7));
}

/// 5. Both call and the answers are lost.
#[test]
fn defect_05_two_callers_repeat_their_answers() {
    let mut solo = Solo::calling(config(0));
    solo.packets();
    assert_eq!(solo.answer(&go(TcpEvent::Syn))[0].event, TcpEvent::EstabAck);
    assert_eq!(solo.machine.legacy_state(), Some(TcpState::SynReceived));
    let again = solo.sleep(secs(4));
    assert!(again.len() >= 2 && again.iter().all(|packet| packet.event == TcpEvent::EstabAck));
    solo.answer(&Packet { ack_retry: control::SYN, ..go(TcpEvent::EstabAck) });
    assert!(solo.has(&Event::Connected));
}

/// 6. A standard deviation of zero makes its deadline lie centuries ago: it sends without a pause.
#[test]
fn defect_06_constant_samples_make_no_storm() {
    for timeout in [mconn::sliding_window::legacy::LegacyTimeout::Original, Default::default()] {
        let mut solo = Solo::called(config_with(0, |legacy| legacy.timeout = timeout));
        for number in 0..20 {
            solo.send("x");
            let data = solo.packets().pop().expect("data");
            solo.now += ms(10);
            let answer =
                Packet { rtt_estimate: 10_000_000, rtt_deviation: 0, rtt_samples: 50, ..go_ack(number, &data) };
            solo.hear(&answer);
        }
        solo.send("lost");
        let sent = solo.sleep(secs(60));
        let again = sent.iter().filter(|packet| packet.event == TcpEvent::Data).count();
        assert!((4..=16).contains(&again), "{timeout:?}: {again} in a minute");
    }
}

/// 7. Acknowledgements mean consumption, and nothing is slowed down: 13 transmissions of each message to a slow reader.
#[test]
fn defect_07_what_is_not_consumed_is_sent_again_ever_more_rarely() {
    let mut solo = Solo::called(config(0));
    (0..8).for_each(|number| solo.send(payload(number, 100)));
    let mut copies = vec![];
    let mut last = solo.packets().pop().expect("data");
    for _ in 0..20 {
        // The peer has all of it and says so, but its application sleeps.
        solo.hear(&Packet { ack: 0, ..go_ack(-1, &last) });
        let sent = solo.sleep(secs(1));
        let data: Vec<_> = sent.into_iter().filter(|packet| packet.event == TcpEvent::Data).collect();
        last = data.last().cloned().unwrap_or(last);
        copies.push(data.len());
    }
    assert!(copies.iter().sum::<usize>() <= 20, "{copies:?}");
    assert_eq!(solo.closed(), None, "it lives");
}

/// 8. Its listener dies after 25 seconds in which nobody calls.
#[test]
fn defect_08_a_listener_waits_for_ever() {
    let mut solo = Solo::listening(config(0));
    assert_eq!(solo.sleep(secs(1_000_000)), []);
    assert_eq!(solo.machine.poll_timeout(), None);
    assert_eq!(solo.answer(&go(TcpEvent::Syn))[0].event, TcpEvent::SynAck);
    // A caller that never answers is forgotten.
    solo.sleep(secs(1_000));
    assert_eq!((solo.machine.legacy_state(), solo.closed()), (Some(TcpState::Listen), None));
    let other = Packet { from_nonce: Bytes::from_static(&[b'q'; 30]), ..go(TcpEvent::Syn) };
    assert_eq!(solo.answer(&other)[0].event, TcpEvent::SynAck);
}

/// 9. Its Read gives 0 bytes at once, and an error at the end.
#[test]
fn defect_09_reading_waits_and_the_end_is_the_end() {
    let mut config = config(0);
    config.delivery = Delivery::Pull;
    let mut solo = Solo::called(config);
    let mut buffer = [0; 8];
    assert_eq!(solo.machine.read(solo.now, &mut buffer), Poll::Pending);
    solo.hear(&go_data(0, 3, b"abc"));
    solo.hear(&go_data(1, 8, b"defgh"));
    solo.hear(&go(TcpEvent::Fin));
    assert_eq!((solo.machine.read(solo.now, &mut buffer[..4]), &buffer[..4]), (Poll::Ready(4), &b"abcd"[..]));
    solo.sleep(secs(5));
    assert_eq!((solo.machine.read(solo.now, &mut buffer), &buffer[..4]), (Poll::Ready(4), &b"efgh"[..]));
    assert_eq!(solo.machine.read(solo.now, &mut buffer), Poll::Ready(0));
    solo.sleep(secs(5));
    assert_eq!(solo.closed(), Some(&CloseReason::Finished));
}

/// 10. Its Write waits ten seconds at most and then tells less, without an error.
#[test]
fn defect_10_writing_accepts_what_there_is_room_for_and_flush_tells_when_it_is_consumed() {
    let mut config = config(0);
    config.send.max_bytes = 150_000;
    config.send.max_message = 150_000;
    let mut solo = Solo::called(config);
    assert_eq!(solo.machine.write(solo.now, &[7; 200_000]), Ok(150_000));
    assert!(matches!(solo.machine.write(solo.now, &[7; 1]), Err(SendRefusal::Full { .. })));
    let mark = solo.machine.flush(solo.now);
    let mut acked = -1;
    let start = solo.now;
    while !solo.has(&Event::Flushed(mark)) {
        for packet in solo.sleep(ms(1)) {
            if packet.event == TcpEvent::Data && packet.sequence == acked + 1 {
                acked += 1;
                solo.hear(&go_ack(acked, &packet));
            }
        }
        assert!(solo.now < start + secs(1));
    }
    assert!(solo.has(&Event::Writable) && acked == 2, "{acked}: pieces of less than a datagram");
}

/// 11. Its tap is dead and slows everything down; its limit on unacknowledged packets is not wired.
#[test]
fn defect_11_the_tap_and_the_limit_work() {
    let mut solo = Solo::called(config(0));
    solo.machine.register_asap(8);
    solo.hear(&go_data(1, 2, b"second"));
    assert_eq!(solo.machine.poll_asap().map(|copy| (copy.segment, copy.payload)), Some((1, "second".into())));
    assert_eq!(solo.messages(), [""; 0]);

    let mut config = config(0);
    config.unacked_limit = Some(UnackedLimit::new(3, secs(60)));
    let mut solo = Solo::called(config);
    solo.send("x");
    solo.sleep(secs(20));
    assert_eq!(solo.closed(), Some(&CloseReason::UnackedLimit { packets: 3, window: secs(60) }));
}

/// 12. Its windows are one too large after the first message, and negative ones are told now and not then.
#[test]
fn defect_12_windows_are_what_they_are() {
    let mut config = config(0);
    (config.receive.max_bytes, config.receive.max_message) = (1_000, 100);
    let mut solo = Solo::called(config);
    let mut told = vec![];
    for number in 0..20 {
        told.extend(solo.answer(&go_data(number, (number + 1) * 100, &[7; 100])));
    }
    assert_eq!(told.len(), 20);
    assert!(told.iter().zip(0..).all(|(packet, ack)| packet.available_bytes == 1_000 && packet.ack == ack));
    let keepalive = solo.sleep(secs(1)).pop().expect("a keepalive");
    assert_eq!((keepalive.available_bytes, keepalive.ack), (1_000, 19), "not one behind");
}

/// 15. What was not acknowledged is not blasted at once: one, and twice as many with each progress.
#[test]
fn defect_15_a_timeout_sends_one() {
    let mut solo = Solo::called(config(0));
    (0..8).for_each(|number| solo.send(payload(number, 100)));
    assert_eq!(solo.packets().len(), 8);
    let again: Vec<_> = solo.sleep(ms(1_400)).into_iter().filter(|packet| packet.event == TcpEvent::Data).collect();
    assert_eq!(again.iter().map(|packet| (packet.sequence, packet.sequence_retry)).collect::<Vec<_>>(), [(0, 1)]);
    let more = solo.answer(&go_ack(2, &again[0]));
    assert_eq!(more.iter().map(|packet| packet.sequence).collect::<Vec<_>>(), [3, 4]);
}

/// 17. Every packet is kept for ever on both sides.
#[test]
fn defect_17_nothing_is_kept() {
    let mut solo = Solo::called(config(0));
    for number in 0..10_000 {
        solo.machine.try_send(solo.now, payload(1, 50), &SendOptions::ORDERED).expect("room");
        let sent = solo.packets();
        solo.hear(&go_ack(number, sent.last().expect("data")));
        solo.answer(&go_data(number, (number + 1) * 3, b"abc"));
        solo.events.clear();
    }
    let status = solo.machine.status(solo.now);
    assert_eq!((status.send.queued_bytes, status.receive.held_bytes, status.send.acknowledged), (0, 0, 10_000));
}
