//! The ten rules by which a peer of the original survives us.

use mconn::sliding_window::legacy::{Packet, TcpEvent, TcpState, Timestamp, control};
use mconn::sliding_window::{Event, Input};

use crate::support::{NAMES, NONCES, Solo, clock, config, config_with, encode, go, go_ack, go_data, ms, payload, secs};

/// Everything that ours sends in a session with data both ways: every kind of packet.
fn every_packet() -> Vec<Packet> {
    let mut solo = Solo::calling(config(0));
    let mut sent = solo.packets();
    sent.extend(solo.answer(&go(TcpEvent::SynAck)));
    solo.send("one");
    solo.send("two");
    sent.extend(solo.packets());
    sent.extend(solo.answer(&go(TcpEvent::KeepAlive)));
    sent.extend(solo.sleep(secs(2)));
    sent.extend(solo.answer(&go_data(0, 5, b"12345")));
    sent.extend(solo.sleep(secs(2)));
    let answers = sent.iter().rfind(|packet| packet.event == TcpEvent::Data).expect("data").clone();
    sent.extend(solo.answer(&go_ack(1, &answers)));
    solo.handle(Input::Close);
    sent.extend(solo.sleep(ms(700)));
    sent.extend(solo.answer(&go(TcpEvent::Fin)));
    sent.extend(solo.answer(&go(TcpEvent::Fin)));
    let mut listener = Solo::listening(config(0));
    sent.extend(listener.answer(&go(TcpEvent::Syn)));
    use TcpEvent::{Data, DataAck, EstabAck, Fin, FinAck, KeepAlive, Syn, SynAck};
    for kind in [Syn, SynAck, EstabAck, Data, DataAck, KeepAlive, Fin, FinAck] {
        assert!(sent.iter().any(|packet| packet.event == kind), "{kind:?}");
    }
    sent
}

#[test]
fn rule_01_every_packet_acknowledges_minus_one_until_number_zero_was_consumed_and_then_what_was() {
    let sent = every_packet();
    let consumed = sent.iter().position(|packet| packet.event == TcpEvent::DataAck && packet.ack_retry == 0).unwrap();
    let (before, after) = sent.split_at(consumed);
    assert!(before.iter().all(|packet| packet.ack == -1));
    let (last, after) = after.split_last().expect("the SYNACK of the listener");
    assert!(after.iter().all(|packet| packet.ack == 0) && last.ack == -1);
    use TcpEvent::{Data, DataAck, EstabAck, KeepAlive, Syn};
    assert!([Syn, EstabAck, Data, DataAck, KeepAlive].iter().all(|kind| before.iter().any(|p| p.event == *kind)));
    assert!(after.iter().any(|packet| packet.event == TcpEvent::KeepAlive));
}

/// What arrives and is not consumed is not acknowledged, whatever else is said.
#[test]
fn rule_01_what_waits_for_our_user_is_not_acknowledged() {
    let mut config = config(0);
    config.delivery = mconn::sliding_window::Delivery::Pull;
    let mut solo = Solo::called(config);
    assert_eq!(solo.answer(&go_data(0, 1, b"x")), []);
    let answers = solo.answer(&go(TcpEvent::KeepAlive));
    assert_eq!(answers.iter().map(|packet| packet.ack).collect::<Vec<_>>(), [-1]);
    assert!(solo.machine.receive(solo.now).is_some());
    assert_eq!(solo.packets().iter().map(|packet| packet.ack).collect::<Vec<_>>(), [0]);
}

#[test]
fn rule_02_no_samples_are_told() {
    for packet in every_packet() {
        assert_eq!((packet.rtt_estimate, packet.rtt_deviation, packet.rtt_samples), (0, 0, 0));
    }
}

#[test]
fn rule_03_every_repeated_synack_is_answered_and_data_wait_for_the_first_answer() {
    let mut solo = Solo::calling(config(0));
    solo.send("early");
    assert_eq!(solo.kinds(), [TcpEvent::Syn]);
    // The ESTABACK leaves before the data.
    solo.hear(&go(TcpEvent::SynAck));
    assert_eq!(solo.kinds(), [TcpEvent::EstabAck, TcpEvent::Data]);
    for _ in 0..10 {
        assert_eq!(solo.answer(&go(TcpEvent::SynAck))[0].event, TcpEvent::EstabAck);
    }
    assert_eq!(solo.events.iter().filter(|event| **event == Event::Connected).count(), 1);
}

#[test]
fn rule_04_every_packet_but_a_syn_carries_the_peer_s_nonce() {
    for packet in every_packet() {
        let nonce = if packet.event == TcpEvent::Syn { "" } else { NONCES[1] };
        assert_eq!((&packet.dest_nonce[..], &packet.from_nonce[..]), (nonce.as_bytes(), NONCES[0].as_bytes()));
        assert_eq!((&packet.from[..], &packet.dest[..]), (NAMES[0].as_bytes(), NAMES[1].as_bytes()));
    }
}

#[test]
fn rule_05_cumulative_bytes_belong_to_the_number_and_control_packets_have_none() {
    assert!(every_packet().iter().all(|packet| packet.event == TcpEvent::Data || packet.cumulative_bytes == 0));
    let mut solo = Solo::called(config(0));
    let lens = [10, 0, 700, 3];
    lens.iter().enumerate().for_each(|(number, len)| solo.send(payload(number, *len)));
    let mut sent = solo.packets();
    // Nothing is acknowledged: all of it again and again.
    sent.extend(solo.sleep(secs(8)));
    let mut data: Vec<_> = sent.iter().filter(|packet| packet.event == TcpEvent::Data).collect();
    assert!(data.len() > 6 && data.iter().any(|packet| packet.sequence_retry > 0));
    data.sort_by_key(|packet| packet.sequence);
    let ends = [10, 10, 710, 713];
    for packet in data {
        assert_eq!(packet.cumulative_bytes, ends[packet.sequence as usize]);
    }
}

#[test]
fn rule_06_integers_are_signed_and_times_are_extension_5() {
    for packet in every_packet() {
        let wire = encode(&packet);
        let places =
            |key: &str| wire.windows(key.len()).position(|window| window == key.as_bytes()).unwrap() + key.len();
        for key in ["AvailReaderBytesCap", "AvailReaderMsgCap", "SeqNum", "AckNum", "AckRetry", "CumulBytesTransmitted"]
        {
            assert!(!(0xcc..=0xcf).contains(&wire[places(key)]), "{key}");
        }
        for key in ["ArrivedAtDestTm", "DataSendTm", "AckReplyTm"] {
            assert_eq!(wire[places(key)..places(key) + 3], [0xc7, 0x0c, 0x05], "{key}");
        }
        // What was never set is Go's zero time; the others are those of the driver's clock.
        assert_eq!(packet.arrived_at, Timestamp::ZERO);
        assert!(packet.data_sent_at.is_zero() || packet.data_sent_at >= clock());
    }
}

#[test]
fn rule_07_windows_are_never_negative_and_never_above_the_original_s_own() {
    for packet in every_packet() {
        assert!(packet.available_bytes > 0 && (1..=8).contains(&packet.available_messages), "{packet:?}");
    }
    // As long as its window is not known, it is allowed one message; as soon as it is, it is told.
    let mut solo = Solo::listening(config(0));
    assert_eq!(solo.answer(&go(TcpEvent::Syn))[0].available_messages, 1);
    let told = solo.answer(&go(TcpEvent::EstabAck));
    assert_eq!((told[0].event, told[0].available_messages), (TcpEvent::KeepAlive, 8));
    // Unless it was known before.
    let mut solo = Solo::listening(config_with(0, |legacy| legacy.peer_window = Some(3)));
    assert_eq!(solo.answer(&go(TcpEvent::Syn))[0].available_messages, 3);
    assert_eq!(solo.answer(&go(TcpEvent::EstabAck)), []);
    // Our own is a limit too, and what waits for our user does not make it smaller: it is not acknowledged either.
    let mut config = config(0);
    config.receive.window = 2;
    config.delivery = mconn::sliding_window::Delivery::Pull;
    let mut solo = Solo::called(config);
    for number in 0..5 {
        solo.hear(&go_data(number, number + 1, b"x"));
    }
    let answers = solo.packets();
    assert!(answers.iter().all(|packet| packet.available_messages == 2 && packet.ack == -1) && !answers.is_empty());
}

#[test]
fn rule_08_the_end_comes_when_all_is_acknowledged_and_is_repeated_and_silence_is_an_answer() {
    let mut solo = Solo::called(config(0));
    solo.send("last words");
    let data = solo.packets().pop().expect("data");
    solo.handle(Input::Close);
    let waiting = solo.sleep(ms(5_000));
    assert!(waiting.iter().all(|packet| packet.event != TcpEvent::Fin), "nothing was acknowledged");
    let mut ends = solo.answer(&go_ack(0, &data));
    ends.extend(solo.sleep(secs(24)));
    let fins = ends.iter().filter(|packet| packet.event == TcpEvent::Fin).count();
    assert_eq!((fins, ends[0].event), (5, TcpEvent::Fin));
    assert_eq!(solo.closed(), Some(&mconn::sliding_window::CloseReason::Finished));
}

#[test]
fn rule_09_keepalives_go_at_the_interval_and_are_answered_with_the_time_they_carry() {
    let mut solo = Solo::called(config(0));
    let idle = solo.sleep(secs(5));
    let is_keepalive = |packet: &Packet| {
        let numbers = [packet.sequence, packet.sequence_retry, packet.ack_retry];
        packet.event == TcpEvent::KeepAlive && numbers == [control::KEEP_ALIVE; 3]
    };
    assert_eq!(idle.iter().filter(|packet| is_keepalive(packet)).count(), 10);
    // Those of the peer do not silence ours: a listener of the original dies without.
    for _ in 0..10 {
        solo.hear(&go(TcpEvent::KeepAlive));
        let sent = solo.sleep(ms(500));
        assert!(sent.iter().any(is_keepalive));
    }
    let asked = Packet { data_sent_at: Timestamp::new(77, 5), ..go(TcpEvent::KeepAlive) };
    let answer = solo.answer(&asked).remove(0);
    assert_eq!((answer.event, answer.sequence, answer.sequence_retry), (TcpEvent::DataAck, control::ACK, control::ACK));
    assert_eq!((answer.data_sent_at, answer.ack_retry), (Timestamp::new(77, 5), control::KEEP_ALIVE));
    assert!(answer.ack_replied_at > clock());
}

#[test]
fn rule_10_our_syn_tells_windows_and_none_in_the_original_s_means_unknown() {
    let mut solo = Solo::calling(config(0));
    let syn = solo.packets().remove(0);
    assert_eq!((syn.available_messages, syn.available_bytes), (1, 4 << 20));
    assert_eq!((syn.ack, syn.sequence, syn.sequence_retry), (-1, control::SYN, control::SYN));
    // The original's SYN tells 0 and 0. Its ESTABACK tells the windows; data go at once.
    let mut solo = Solo::listening(config(0));
    solo.send("to whoever calls");
    assert_eq!(solo.answer(&go(TcpEvent::Syn)).iter().map(|p| p.event).collect::<Vec<_>>(), [TcpEvent::SynAck]);
    assert_eq!(solo.machine.legacy_state(), Some(TcpState::SynReceived));
    let sent = solo.answer(&go(TcpEvent::EstabAck));
    assert!(sent.iter().any(|packet| packet.event == TcpEvent::Data && packet.data == "to whoever calls"));
}
