//! Two machines: any cut, any delay, any changed bit.

use bytes::BytesMut;
use mconn::machine::Machine;
use mconn::secret::{HandshakeError, Input, OpenError, SecretHandshake, Stage};
use mconn::time::Instant;
use proptest::prelude::*;

use super::{KEY_MESSAGE, end_of, established, failure, feed, handshake, open, output, seal};

/// What the second of two sides sends, from the beginning to its authentication.
fn all_of_the_other() -> Vec<u8> {
    let (mut one, mut other) = (handshake(1, 2), handshake(3, 4));
    let mut sent = output(&mut other);
    feed(&mut other, &output(&mut one), false);
    sent.extend(output(&mut other));
    assert_eq!(sent.len(), KEY_MESSAGE + 1044);
    sent
}

/// Feeds the chunks one after the other as a driver does, with what was left in front.
fn feed_chunks<'a>(machine: &mut SecretHandshake, chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, BytesMut) {
    let (mut buf, mut sent) = (BytesMut::new(), output(machine));
    for chunk in chunks {
        buf.extend_from_slice(chunk);
        machine.handle(Instant::ZERO, Input::Received { buf: &mut buf, end: false });
        sent.extend(output(machine));
    }
    (sent, buf)
}

#[test]
fn any_cut_of_the_bytes_gives_the_same() {
    let wire = [all_of_the_other(), b"the first frame".to_vec()].concat();
    let mut whole = handshake(1, 2);
    let (sent, left) = feed_chunks(&mut whole, [wire.as_slice()]);
    assert_eq!(left, "the first frame");
    let peer = end_of(&mut whole).unwrap().peer;
    let near = (0..=40).chain((41..wire.len()).step_by(97)).chain(wire.len() - 20..=wire.len());
    let mut cuts: Vec<Vec<&[u8]>> = near.map(|cut| wire.split_at(cut)).map(|(head, tail)| vec![head, tail]).collect();
    cuts.extend([1, 2, 34, 36, 500].map(|size| wire.chunks(size).collect()));
    for chunks in cuts {
        let mut machine = handshake(1, 2);
        assert_eq!(feed_chunks(&mut machine, chunks.iter().copied()), (sent.clone(), left.clone()));
        assert_eq!(end_of(&mut machine).unwrap().peer, peer);
    }
}

#[test]
fn an_end_of_the_bytes_anywhere_says_how_far_it_came() {
    let wire = all_of_the_other();
    for cut in (0..wire.len()).filter(|cut| *cut < 40 || cut % 61 == 0 || wire.len() - cut < 3) {
        let mut machine = handshake(1, 2);
        feed(&mut machine, &wire[..cut], true);
        let (stage, unread_bytes) = match cut.checked_sub(KEY_MESSAGE) {
            None => (Stage::EphemeralKey, cut),
            Some(rest) => (Stage::Authentication, rest),
        };
        assert_eq!(failure(&mut machine), HandshakeError::PeerClosed { stage, unread_bytes });
    }
}

/// All bits of the first message; of the frame one in each byte, and all of the tag's last byte.
#[test]
fn no_changed_bit_leads_to_a_connection() {
    let wire = all_of_the_other();
    let bits = (0..KEY_MESSAGE * 8).chain((KEY_MESSAGE..wire.len() - 1).map(|byte| byte * 8 + byte % 8));
    for bit in bits.chain((wire.len() - 1) * 8..wire.len() * 8) {
        let mut bent = wire.clone();
        bent[bit / 8] ^= 1 << (bit % 8);
        let mut machine = handshake(1, 2);
        feed(&mut machine, &bent, false);
        let end = machine.poll_event();
        if machine.wants_write() || end.is_none() {
            // A longer length: it waits for bytes that do not come.
            output(&mut machine);
            assert!(machine.poll_event().is_none(), "bit {bit}");
            machine.handle(Instant::ZERO, Input::Received { buf: &mut BytesMut::new(), end: true });
            assert!(matches!(failure(&mut machine), HandshakeError::PeerClosed { .. }), "bit {bit}");
            continue;
        }
        let mconn::secret::Event::Closed(error) = end.unwrap() else { panic!("bit {bit} made a connection") };
        match bit / 8 {
            0..3 => assert!(!matches!(error, HandshakeError::Open(_)), "bit {bit}: {error}"),
            // X25519 ignores the highest bit: the keys of the frames are the same, and only the signature tells.
            34 if bit % 8 == 7 => assert!(matches!(error, HandshakeError::WrongSignature { .. }), "{error}"),
            3.. => assert_eq!(error, HandshakeError::Open(OpenError::WrongTag { frame: 0 }), "bit {bit}"),
        }
    }
}

#[test]
fn messages_of_all_sizes_go_both_ways() {
    let (mut one, mut other) = established(handshake(1, 2), handshake(3, 4));
    for round in 0..3 {
        for size in [0_usize, 1, 1023, 1024, 1025, 2048, 2049, 70_000] {
            let message: Vec<u8> = (0..size).map(|index| (index * 31 + round) as u8).collect();
            let sealed = seal(&mut one, &message);
            assert_eq!(sealed.len(), size.div_ceil(1024) * 1044);
            assert_eq!(open(&mut other, &sealed), message);
            let sealed = seal(&mut other, &message);
            assert_eq!(open(&mut one, &sealed), message);
        }
    }
    assert_eq!(one.sealer.frames(), other.opener.frames());
}

#[test]
fn the_two_directions_have_different_keys() {
    let (mut one, mut other) = established(handshake(1, 2), handshake(3, 4));
    let from_one = seal(&mut one, b"same");
    assert_ne!(from_one, seal(&mut other, b"same"));
    let mut reflected = from_one;
    assert_eq!(
        one.opener.open(&mut reflected, &mut BytesMut::new(), usize::MAX),
        Err(OpenError::WrongTag { frame: 1 })
    );
}

/// What a link between two machines does next.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Side 0 or 1 gives its next piece of output to the link.
    Send(usize),
    /// So many bytes of what is on the way to side 0 or 1 arrive.
    Deliver(usize, usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (0_usize..2).prop_map(Act::Send),
        (0_usize..2, 0_usize..1200).prop_map(|(side, bytes)| Act::Deliver(side, bytes)),
    ];
    proptest::collection::vec(act, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is held back, cut or doubled in calls: both sides end connected, and can talk.
    #[test]
    fn every_delay_ends_in_a_connection(acts in acts(), seeds in (1_u8..8, 8_u8..16, 16_u8..24, 24_u8..32)) {
        let mut sides = [handshake(seeds.0, seeds.2), handshake(seeds.1, seeds.3)];
        let mut way = [BytesMut::new(), BytesMut::new()];
        let mut arrived = [BytesMut::new(), BytesMut::new()];
        let mut ends = [None, None];
        // In the end everything flows.
        let rest = [Act::Send(0), Act::Send(1), Act::Deliver(0, 9999), Act::Deliver(1, 9999)];
        for act in acts.into_iter().chain(rest).chain(rest).chain(rest) {
            match act {
                Act::Send(from) => {
                    if let Some(bytes) = sides[from].poll_transmit(Instant::ZERO) {
                        way[1 - from].extend_from_slice(&bytes);
                    }
                }
                Act::Deliver(to, bytes) => {
                    let bytes = bytes.min(way[to].len());
                    arrived[to].unsplit(way[to].split_to(bytes));
                    sides[to].handle(Instant::ZERO, Input::Received { buf: &mut arrived[to], end: false });
                }
            }
            for (side, end) in sides.iter_mut().zip(&mut ends) {
                if let Some(event) = side.poll_event() {
                    prop_assert!(end.is_none());
                    *end = Some(event);
                }
            }
        }
        let [Some(mconn::secret::Event::Established(mut one)), Some(mconn::secret::Event::Established(mut other))] = ends
        else {
            return Err(TestCaseError::fail("no connection"));
        };
        prop_assert!(arrived.iter().chain(&way).all(|bytes| bytes.is_empty()));
        let sealed = seal(&mut one, b"hello");
        prop_assert_eq!(open(&mut other, &sealed), "hello");
    }
}
