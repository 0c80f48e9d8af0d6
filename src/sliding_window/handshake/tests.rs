use super::*;
use crate::time::Instant;

const PHASES: [Phase; 5] = [Phase::Listen, Phase::SynSent, Phase::SynReceived, Phase::Crossed, Phase::Established];
const HEARD: [Heard; 8] = [
    Heard::Syn,
    Heard::OtherSyn,
    Heard::SynAck,
    Heard::OtherSynAck,
    Heard::Retry,
    Heard::Packet,
    Heard::Timeout,
    Heard::Exhausted,
];

fn at(milliseconds: u64) -> Instant {
    Instant::from_millis(milliseconds)
}

fn connecting() -> Handshake {
    Handshake::connect(HandshakeConfig::default(), Seed::new(1), at(0))
}

fn listening() -> Handshake {
    Handshake::listen(HandshakeConfig::default(), Seed::new(2))
}

/// Sends what is due; the sizes are those of real packets.
fn send(handshake: &mut Handshake) -> Option<Step> {
    let step = handshake.due(110)?;
    handshake.sent(step, if step == Step::Syn { 120 } else { 110 });
    Some(step)
}

#[test]
fn the_table_cell_by_cell() {
    let row = |phase| HEARD.map(|heard| next(phase, heard));
    let (ignore, same) = (Todo::Ignore, |phase: Phase, todo: Todo| (phase, todo));
    assert_eq!(row(Phase::Listen), {
        let mut row = [same(Phase::Listen, ignore); 8];
        row[0] = (Phase::SynReceived, Todo::LearnAndAnswer);
        row
    });
    assert_eq!(
        row(Phase::SynSent),
        [
            (Phase::Crossed, Todo::LearnAndAnswer),
            same(Phase::SynSent, ignore),
            (Phase::Established, Todo::LearnAndConfirm),
            same(Phase::SynSent, ignore),
            same(Phase::SynSent, Todo::SendSyn),
            same(Phase::SynSent, ignore),
            same(Phase::SynSent, Todo::SendSyn),
            same(Phase::SynSent, Todo::GiveUp),
        ]
    );
    assert_eq!(
        row(Phase::SynReceived),
        [
            same(Phase::SynReceived, Todo::SendSynAck),
            same(Phase::SynReceived, ignore),
            same(Phase::SynReceived, ignore),
            same(Phase::SynReceived, ignore),
            same(Phase::SynReceived, ignore),
            (Phase::Established, Todo::Open),
            same(Phase::SynReceived, Todo::SendSynAck),
            (Phase::Listen, Todo::Forget),
        ]
    );
    assert_eq!(
        row(Phase::Crossed),
        [
            same(Phase::Crossed, Todo::SendSynAck),
            same(Phase::Crossed, ignore),
            (Phase::Established, Todo::OpenAndConfirm),
            (Phase::Established, Todo::LearnAndConfirm),
            same(Phase::Crossed, Todo::SendSyn),
            (Phase::Established, Todo::Open),
            same(Phase::Crossed, Todo::SendBoth),
            same(Phase::Crossed, Todo::GiveUp),
        ]
    );
    assert_eq!(
        row(Phase::Established),
        [
            same(Phase::Established, Todo::SendSynAck),
            same(Phase::Established, ignore),
            same(Phase::Established, Todo::Confirm),
            same(Phase::Established, ignore),
            same(Phase::Established, ignore),
            same(Phase::Established, Todo::Proceed),
            same(Phase::Established, ignore),
            same(Phase::Established, ignore),
        ]
    );
    for phase in PHASES {
        // Nothing that is heard closes an open session again.
        assert!(phase != Phase::Established || row(phase).iter().all(|cell| cell.0 == phase));
    }
}

#[test]
fn three_steps_open_both() {
    let (mut alice, mut bob) = (connecting(), listening());
    assert_eq!(send(&mut alice), Some(Step::Syn));
    assert_eq!(bob.on_syn(at(1), 7, 120), Reaction::Learn { open: false });
    assert_eq!((bob.peer(), send(&mut bob), send(&mut bob)), (Some(7), Some(Step::SynAck), None));
    assert_eq!(alice.on_syn_ack(at(2), 9), Reaction::Learn { open: true });
    assert!(alice.is_established() && alice.confirm_due());
    assert_eq!(bob.on_packet(at(3)), Reaction::Open);
    assert!(bob.is_established());
    assert_eq!((alice.deadline(), bob.deadline()), (None, None));
}

#[test]
fn attempts_double_up_to_a_limit_and_then_it_gives_up() {
    let mut handshake = connecting();
    let (mut sent, mut before, mut waits) = (0, at(0), std::vec::Vec::new());
    let given_up = loop {
        sent += u32::from(send(&mut handshake) == Some(Step::Syn));
        let deadline = handshake.deadline().expect("an attempt that waits");
        assert_eq!(handshake.on_timeout(Instant::from_nanos(deadline.as_nanos() - 1)), Reaction::Nothing);
        waits.push((deadline - before).as_millis());
        before = deadline;
        match handshake.on_timeout(deadline) {
            Reaction::Nothing => {}
            other => break other,
        }
    };
    assert_eq!((given_up, sent), (Reaction::GiveUp { attempts: 8 }, 8));
    for (wait, expected) in waits.iter().zip([500, 1000, 2000, 4000, 8000, 8000, 8000, 8000]) {
        assert!((expected * 3 / 4..=expected * 5 / 4).contains(wait), "{waits:?}");
    }
    assert_eq!((handshake.deadline(), handshake.on_timeout(Instant::MAX)), (None, Reaction::Nothing));
}

#[test]
fn a_listener_called_by_nobody_real_listens_again() {
    let mut handshake = listening();
    assert_eq!(handshake.on_timeout(Instant::from_secs(1_000_000)), Reaction::Nothing, "it never times out");
    handshake.on_syn(at(1), 7, 120);
    let mut answers = 0;
    while handshake.phase() != Phase::Listen {
        answers += usize::from(send(&mut handshake).is_some());
        let deadline = handshake.deadline().expect("an answer that waits");
        handshake.on_timeout(deadline);
    }
    assert_eq!(answers, 3, "three times what came: 3 x 110 of 3 x 120 bytes");
    assert_eq!((handshake.peer(), handshake.deadline(), handshake.is_due()), (None, None, false));
    assert_eq!(handshake.on_syn(at(2), 8, 120), Reaction::Learn { open: false });
}

#[test]
fn what_is_said_to_somebody_unproved_stays_within_three_times_what_came() {
    let mut handshake = listening();
    let mut said = 0;
    for (time, heard) in (0..100).map(|second| (at(second * 1000), 10)) {
        handshake.on_syn(time, 7, heard);
        if let Some(step) = handshake.due(110) {
            handshake.sent(step, 110);
            said += 110;
        }
    }
    assert!((2_000..=3_000).contains(&said), "{said}");
    let mut proved = listening();
    proved.for_one_caller(true);
    proved.on_syn(at(0), 7, 1);
    assert_eq!(send(&mut proved), Some(Step::SynAck));
}

#[test]
fn copies_of_a_step_are_answered_but_not_each_one() {
    let mut bob = listening();
    bob.on_syn(at(0), 7, 1000);
    assert_eq!(send(&mut bob), Some(Step::SynAck));
    assert_eq!(bob.on_syn(at(1), 7, 1000), Reaction::Nothing);
    assert_eq!(send(&mut bob), Some(Step::SynAck));
    assert_eq!((bob.on_syn(at(2), 7, 1000), send(&mut bob)), (Reaction::Ignored, None));
    assert_eq!(bob.on_syn(at(126), 7, 1000), Reaction::Nothing);
    assert_eq!(send(&mut bob), Some(Step::SynAck));

    let mut alice = connecting();
    alice.on_syn_ack(at(0), 9);
    alice.confirmed();
    assert_eq!((alice.on_syn_ack(at(1), 9), alice.confirm_due()), (Reaction::Nothing, true));
    alice.confirmed();
    assert_eq!((alice.on_syn_ack(at(2), 9), alice.confirm_due()), (Reaction::Ignored, false));
}

#[test]
fn both_connect_at_once() {
    let (mut alice, mut bob) = (connecting(), connecting());
    assert_eq!((send(&mut alice), send(&mut bob)), (Some(Step::Syn), Some(Step::Syn)));
    assert_eq!(alice.on_syn(at(1), 9, 120), Reaction::Learn { open: false });
    assert_eq!(bob.on_syn(at(1), 7, 120), Reaction::Learn { open: false });
    assert_eq!((send(&mut alice), send(&mut bob)), (Some(Step::SynAck), Some(Step::SynAck)));
    // Bob's answer is lost; what Bob sends after Alice's does it as well.
    assert_eq!(bob.on_syn_ack(at(2), 7), Reaction::Open);
    assert!(bob.confirm_due());
    assert_eq!(alice.on_packet(at(3)), Reaction::Open);
    assert!(alice.is_established() && bob.is_established());
}

#[test]
fn crossed_ends_repeat_both_packets() {
    let mut alice = connecting();
    send(&mut alice);
    alice.on_syn(at(1), 9, 120);
    send(&mut alice);
    let deadline = alice.deadline().expect("an attempt that waits");
    assert_eq!(alice.on_timeout(deadline), Reaction::Nothing);
    assert_eq!((send(&mut alice), send(&mut alice), send(&mut alice)), (Some(Step::SynAck), Some(Step::Syn), None));
}

#[test]
fn an_answer_outweighs_a_strangers_syn() {
    let mut alice = connecting();
    assert_eq!(alice.on_syn(at(1), 666, 120), Reaction::Learn { open: false });
    assert_eq!(alice.on_syn(at(1), 667, 120), Reaction::Ignored);
    assert_eq!(alice.on_syn_ack(at(2), 9), Reaction::Learn { open: true });
    assert_eq!((alice.peer(), alice.is_established()), (Some(9), true));
    assert_eq!(alice.on_syn_ack(at(500), 10), Reaction::Ignored);
    assert_eq!(alice.on_syn(at(900), 666, 120), Reaction::Ignored);
    assert_eq!(alice.peer(), Some(9));
}

#[test]
fn a_cookie_is_sent_along_and_demands_are_not_followed_for_ever() {
    let mut alice = connecting();
    send(&mut alice);
    for number in 0..MAX_RETRIES {
        let cookie = Bytes::from(std::vec![number as u8; 8]);
        assert_eq!(alice.on_retry(at(1), cookie.clone()), Reaction::Nothing);
        assert_eq!((send(&mut alice), alice.cookie()), (Some(Step::Syn), &cookie));
    }
    assert_eq!((alice.on_retry(at(2), Bytes::new()), send(&mut alice)), (Reaction::Ignored, None));
    // The next attempt may need a newer cookie.
    let again = alice.deadline().unwrap();
    assert_eq!(alice.on_timeout(again), Reaction::Nothing);
    assert_eq!(alice.on_retry(again, Bytes::from("newer")), Reaction::Nothing);
    assert_eq!((send(&mut alice), alice.cookie()), (Some(Step::Syn), &Bytes::from("newer")));
    assert_eq!(listening().on_retry(at(2), Bytes::new()), Reaction::Ignored);
}

#[test]
fn a_listener_for_one_caller_ends_when_nothing_becomes_of_it() {
    let mut handshake = listening();
    handshake.for_one_caller(false);
    handshake.on_syn(at(1), 7, 120);
    let ended = loop {
        let deadline = handshake.deadline().expect("an answer that waits");
        match handshake.on_timeout(deadline) {
            Reaction::Nothing => {}
            other => break other,
        }
    };
    assert_eq!((ended, handshake.deadline()), (Reaction::GiveUp { attempts: 8 }, None));
}
