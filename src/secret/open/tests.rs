//! Frames in: any cut, any change, any order of lengths.

use std::vec::Vec;

use super::*;

const KEY: [u8; 32] = [7; 32];

fn opener() -> Opener {
    Opener::new(Key::new(KEY), 3)
}

/// A frame that states `length` and has `data` behind it.
fn frame(number: u64, length: u32, data: &[u8]) -> Vec<u8> {
    let mut frame = [&length.to_le_bytes(), data].concat();
    frame.resize(LENGTH_LEN + FRAME_DATA, 0xee);
    let tag = Cipher::new(&Key::new(KEY)).seal(number, &mut frame).unwrap();
    frame.extend_from_slice(&tag);
    frame
}

/// Frames with data of these lengths, one after the other, and the data.
fn stream(lengths: &[usize]) -> (Vec<u8>, Vec<u8>) {
    let (mut sealed, mut plain) = (Vec::new(), Vec::new());
    for (number, length) in lengths.iter().enumerate() {
        let data: Vec<u8> = (0..*length).map(|index| (index * 7 + number) as u8).collect();
        sealed.extend(frame(number as u64, *length as u32, &data));
        plain.extend(data);
    }
    (sealed, plain)
}

/// Feeds all chunks one after the other.
fn feed<'a>(
    opener: &mut Opener,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<u8>, usize, Result<(), OpenError>) {
    let (mut input, mut out) = (BytesMut::new(), BytesMut::new());
    for chunk in chunks {
        input.extend_from_slice(chunk);
        let before = out.len();
        match opener.open(&mut input, &mut out, usize::MAX) {
            Ok(appended) => assert_eq!(appended, out.len() - before),
            Err(error) => return (out.to_vec(), input.len(), Err(error)),
        }
    }
    (out.to_vec(), input.len(), Ok(()))
}

#[test]
fn any_cut_of_the_bytes_gives_the_same() {
    let (sealed, plain) = stream(&[1024, 1, 0, 0, 1023, 0, 500]);
    // Near the ends of frames every cut, elsewhere some.
    for cut in (0..=sealed.len()).filter(|cut| (cut + 3) % FRAME_LEN < 7 || cut % 61 == 0) {
        let (head, tail) = sealed.split_at(cut);
        assert_eq!(feed(&mut opener(), [head, tail]), (plain.clone(), 0, Ok(())), "{cut}");
    }
    for size in [1, 7, 1043, 1044, 1045, 3000] {
        assert_eq!(feed(&mut opener(), sealed.chunks(size)), (plain.clone(), 0, Ok(())), "{size}");
    }
    let (out, left, _) = feed(&mut opener(), [&sealed[..2 * FRAME_LEN + 500]]);
    assert_eq!((out.as_slice(), left), (&plain[..1025], 500));
}

#[test]
fn a_frame_is_opened_only_when_there_is_room_for_all_that_it_can_hold() {
    let (sealed, plain) = stream(&[10, 1024, 20]);
    let mut opener = opener();
    let (mut input, mut out) = (BytesMut::from(&sealed[..]), BytesMut::from(&b"before"[..]));
    assert_eq!(opener.open(&mut input, &mut out, 1023), Ok(0));
    assert_eq!((input.len(), opener.frames()), (3 * FRAME_LEN, 0));
    assert_eq!(opener.open(&mut input, &mut out, 1024), Ok(10));
    assert_eq!(opener.open(&mut input, &mut out, 2047), Ok(1024));
    assert_eq!(opener.open(&mut input, &mut out, 2048), Ok(20));
    assert_eq!(out, [b"before", plain.as_slice()].concat());
}

/// Every bit of a frame's length and of its tag, and one in each byte of the data.
#[test]
fn a_changed_bit_ends_the_direction_and_changes_nothing_else() {
    let (sealed, plain) = stream(&[30, 40, 50]);
    let data = LENGTH_LEN * 8..(LENGTH_LEN + FRAME_DATA) * 8;
    let bits = (0..FRAME_LEN * 8).filter(|bit| !data.contains(bit) || bit / 8 % 8 == bit % 8);
    for bit in bits.map(|bit| FRAME_LEN * 8 + bit) {
        let mut bent = sealed.clone();
        bent[bit / 8] ^= 1 << (bit % 8);
        let mut opener = opener();
        let (out, left, end) = feed(&mut opener, [bent.as_slice()]);
        assert_eq!((out.as_slice(), end), (&plain[..30], Err(OpenError::WrongTag { frame: 1 })), "{bit}");
        assert_eq!((left, opener.frames()), (2 * FRAME_LEN, 1));
        // The right bytes come too late.
        let mut right = BytesMut::from(&sealed[FRAME_LEN..]);
        assert_eq!(opener.open(&mut right, &mut BytesMut::new(), 9999), Err(OpenError::WrongTag { frame: 1 }));
        assert_eq!((right.len(), opener.frames()), (2 * FRAME_LEN, 1));
    }
}

#[test]
fn frames_that_are_lost_doubled_or_exchanged_are_refused() {
    let (sealed, _) = stream(&[1, 2, 3]);
    let [one, two, three] = [0, 1, 2].map(|number| &sealed[number * FRAME_LEN..][..FRAME_LEN]);
    for (chunks, frame) in [([two, three, one], 0), ([one, one, two], 1), ([one, three, two], 1)] {
        assert_eq!(feed(&mut opener(), chunks).2, Err(OpenError::WrongTag { frame }));
    }
}

#[test]
fn a_frame_that_states_more_than_it_can_hold_is_refused() {
    for length in [1025, 1028, 0x0001_0000, u32::MAX] {
        let mut opener = opener();
        let wire = [frame(0, 1, b"x"), frame(1, length, &[])].concat();
        let (out, _, end) = feed(&mut opener, [wire.as_slice()]);
        assert_eq!((out.as_slice(), end), (&b"x"[..], Err(OpenError::DataLength { frame: 1, length })));
        assert_eq!(
            opener.open(&mut BytesMut::new(), &mut BytesMut::new(), 9),
            Err(OpenError::DataLength { frame: 1, length })
        );
    }
}

#[test]
fn empty_frames_are_skipped_but_not_without_end() {
    let (sealed, plain) = stream(&[0, 0, 0, 5, 0, 0, 0, 6]);
    assert_eq!(feed(&mut opener(), [sealed.as_slice()]), (plain, 0, Ok(())));
    let (sealed, plain) = stream(&[0, 0, 5, 0, 0, 0, 0, 6]);
    let (out, _, end) = feed(&mut opener(), [sealed.as_slice()]);
    assert_eq!((out.as_slice(), end), (&plain[..5], Err(OpenError::EmptyFrames { frames: 4, limit: 3 })));
    let mut none = Opener::new(Key::new(KEY), 0);
    assert_eq!(feed(&mut none, [frame(0, 0, &[]).as_slice()]).2, Err(OpenError::EmptyFrames { frames: 1, limit: 0 }));
}

#[test]
fn the_last_nonce_is_never_used() {
    let mut opener = opener();
    opener.next_frame = u64::MAX - 1;
    let wire = [frame(u64::MAX - 1, 1, b"x"), frame(u64::MAX, 1, b"y")].concat();
    let (out, left, end) = feed(&mut opener, [wire.as_slice()]);
    assert_eq!((out.as_slice(), left, end), (&b"x"[..], FRAME_LEN, Err(OpenError::NoncesUsed)));
    assert_eq!(opener.frames(), u64::MAX);
}

#[test]
fn early_data_comes_first_and_in_as_many_pieces_as_there_is_room_for() {
    let mut opener = opener();
    opener.set_early(Bytes::from_static(b"early"));
    let (mut input, mut out) = (BytesMut::from(&frame(0, 4, b"late")[..]), BytesMut::new());
    assert!(opener.has_early_data());
    assert_eq!(opener.open(&mut input, &mut out, 2), Ok(2));
    assert_eq!(opener.open(&mut input, &mut out, 1000), Ok(3));
    assert!(!opener.has_early_data());
    assert_eq!(opener.open(&mut input, &mut out, 2000), Ok(4));
    assert_eq!(out, "earlylate");
}

#[test]
fn the_key_is_not_printed() {
    let printed = std::format!("{:?}", opener());
    assert!(
        printed.starts_with("Opener { next_frame: 0, early_data: 0, empty_frames: 0, failed: None, .. }"),
        "{printed}"
    );
}
