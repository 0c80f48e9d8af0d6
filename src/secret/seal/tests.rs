//! Frames out: how many, how full, with what behind the data.

use std::vec::Vec;

use super::*;

fn sealer() -> Sealer {
    Sealer::new(Key::new([7; 32]))
}

/// The plain frames of what a fresh sealer has written.
fn plain_frames(sealed: &[u8]) -> Vec<Vec<u8>> {
    let cipher = Cipher::new(&Key::new([7; 32]));
    assert_eq!(sealed.len() % FRAME_LEN, 0);
    let frames = sealed.chunks(FRAME_LEN).zip(0..);
    frames.map(|(frame, number)| cipher.open(number, &mut frame.to_vec()).unwrap().to_vec()).collect()
}

fn data(frame: &[u8]) -> &[u8] {
    let length = u32::from_le_bytes(frame[..4].try_into().unwrap()) as usize;
    &frame[4..4 + length]
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index % 255) as u8 + 1).collect()
}

#[test]
fn all_bytes_leave_in_full_frames_and_a_last_short_one() {
    for (len, frames) in [(0, 0), (1, 1), (1023, 1), (1024, 1), (1025, 2), (2048, 2), (2049, 3)] {
        let message = pattern(len);
        let mut out = BytesMut::new();
        let mut rest = message.as_slice();
        assert_eq!(sealer().seal(&mut rest, &mut out, usize::MAX), Ok(frames * 1044), "{len}");
        assert!(rest.is_empty());
        let plain = plain_frames(&out);
        assert_eq!(plain.len(), frames);
        assert_eq!(plain.iter().flat_map(|frame| data(frame)).copied().collect::<Vec<_>>(), message);
        assert!(plain.iter().rev().skip(1).all(|frame| data(frame).len() == 1024));
    }
}

#[test]
fn frames_are_filled_across_packets() {
    let (one, two) = (pattern(700), pattern(900));
    let mut packets = one.as_slice().chain(two.as_slice());
    let mut out = BytesMut::new();
    sealer().seal(&mut packets, &mut out, usize::MAX).unwrap();
    let lengths: Vec<_> = plain_frames(&out).iter().map(|frame| data(frame).len()).collect();
    assert_eq!(lengths, [1024, 576]);
}

#[test]
fn padding_is_zero_whatever_was_sent_before() {
    let mut sealer = sealer();
    let mut out = BytesMut::new();
    for len in [1024, 3, 2000, 1, 1023] {
        sealer.seal(&mut pattern(len).as_slice(), &mut out, usize::MAX).unwrap();
    }
    // A buffer that was used before, too.
    for frame in plain_frames(&out) {
        assert!(frame[4 + data(&frame).len()..].iter().all(|byte| *byte == 0));
    }
}

#[test]
fn no_more_than_the_room_is_used_and_the_rest_stays() {
    let message = pattern(3000);
    for (max, taken) in [(0, 0), (1043, 0), (1044, 1024), (2087, 1024), (2088, 2048), (3131, 2048), (3132, 3000)] {
        let mut out = BytesMut::from(&b"before"[..]);
        let mut rest = message.as_slice();
        let appended = sealer().seal(&mut rest, &mut out, max).unwrap();
        assert_eq!(rest, &message[taken..], "{max}");
        assert_eq!(appended, max / 1044 * 1044);
        assert_eq!(out.len(), 6 + appended);
        assert!(out.starts_with(b"before"));
    }
}

#[test]
fn full_frames_alone_leave_the_rest_to_be_filled() {
    let mut sealer = sealer();
    let mut out = BytesMut::new();
    let mut waiting = BytesMut::from(&pattern(1500)[..]);
    assert_eq!(sealer.seal_full(&mut waiting, &mut out, usize::MAX), Ok(1044));
    assert_eq!((waiting.len(), sealer.frames()), (476, 1));
    assert_eq!(sealer.seal_full(&mut waiting, &mut out, usize::MAX), Ok(0));
    waiting.extend_from_slice(&pattern(1000));
    assert_eq!(sealer.seal_full(&mut waiting, &mut out, 1043), Ok(0));
    assert_eq!(sealer.seal_full(&mut waiting, &mut out, usize::MAX), Ok(1044));
    assert_eq!(waiting.len(), 452);
    assert_eq!(sealer.seal(&mut waiting, &mut out, usize::MAX), Ok(1044));
    let all: Vec<u8> = plain_frames(&out).iter().flat_map(|frame| data(frame).to_vec()).collect();
    assert_eq!(all, [pattern(1500), pattern(1000)].concat());
}

#[test]
fn the_last_nonce_is_never_used() {
    let mut sealer = sealer();
    sealer.next_frame = u64::MAX - 1;
    let mut out = BytesMut::new();
    let message = pattern(1100);
    let mut rest = message.as_slice();
    assert_eq!(sealer.seal(&mut rest, &mut out, usize::MAX), Ok(1044));
    assert_eq!((rest.len(), sealer.frames()), (76, u64::MAX));
    for _ in 0..3 {
        assert_eq!(sealer.seal(&mut rest, &mut out, usize::MAX), Err(SealError::NoncesUsed));
        assert_eq!((rest.len(), out.len(), sealer.frames()), (76, 1044, u64::MAX));
    }
}

#[test]
fn the_key_is_not_printed() {
    let printed = std::format!("{:?}", sealer());
    assert_eq!(printed, "Sealer { next_frame: 0, .. }");
}
