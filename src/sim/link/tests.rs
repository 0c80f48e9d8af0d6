use super::*;
use std::vec::Vec;

fn link(config: LinkConfig) -> ByteLink {
    ByteLink::new(config, Random::new(42))
}

fn write(link: &mut ByteLink, now: Instant, text: &str) -> Result<usize, LinkBroken> {
    link.write(now, &mut BytesMut::from(text))
}

fn at(milliseconds: u64) -> Instant {
    Instant::from_millis(milliseconds)
}

/// Reads everything that ever comes: moment, bytes; and what comes behind the last byte.
fn read_all(link: &mut ByteLink) -> (Vec<(Instant, BytesMut)>, Option<Read>) {
    let mut pieces = Vec::new();
    while let Some(arrival) = link.readable_at() {
        let mut piece = BytesMut::new();
        match link.read(arrival, &mut piece, usize::MAX) {
            Read::Bytes(len) => {
                assert_eq!(len, piece.len());
                pieces.push((arrival, piece));
            }
            Read::Nothing => panic!("it said that something would be there at {arrival}"),
            end => return (pieces, Some(end)),
        }
    }
    (pieces, None)
}

fn text(pieces: &[(Instant, BytesMut)]) -> Vec<u8> {
    pieces.iter().flat_map(|(_, piece)| piece.to_vec()).collect()
}

#[test]
fn an_ideal_link_gives_at_once_what_was_written() {
    let mut link = link(LinkConfig::new());
    assert_eq!(link.readable_at(), None);
    assert_eq!(write(&mut link, at(3), "hello"), Ok(5));
    let mut read = BytesMut::new();
    assert_eq!(link.read(at(3), &mut read, 2), Read::Bytes(2));
    assert_eq!(link.readable_at(), Some(at(3)), "the rest is there already");
    assert_eq!(link.read(at(3), &mut read, 0), Read::Nothing);
    assert_eq!(link.read(at(9), &mut read, 9), Read::Bytes(3));
    assert_eq!((&read[..], link.held(), link.carried()), (&b"hello"[..], 0, 5));
    assert_eq!(link.read(at(9), &mut read, 9), Read::Nothing);
}

#[test]
fn latency_delays_and_bandwidth_spreads() {
    let mut link = link(LinkConfig::new().latency(Duration::from_millis(10)).bandwidth(1_000).segment(1));
    write(&mut link, at(0), "abc").expect("room");
    write(&mut link, at(1), "d").expect("room");
    write(&mut link, at(100), "e").expect("room");
    let (pieces, end) = read_all(&mut link);
    let moments: Vec<Instant> = pieces.iter().map(|(moment, _)| *moment).collect();
    assert_eq!(moments, [at(11), at(12), at(13), at(14), at(111)]);
    assert_eq!((text(&pieces).as_slice(), end), (&b"abcde"[..], None));
}

#[test]
fn jitter_never_reorders() {
    let mut link = link(LinkConfig::new().jitter(Duration::from_millis(50)).segment(3));
    let bytes: Vec<u8> = (0..=255).collect();
    for (millisecond, piece) in bytes.chunks(5).enumerate() {
        link.write(at(millisecond as u64), &mut BytesMut::from(piece)).expect("room");
    }
    let (pieces, _) = read_all(&mut link);
    assert_eq!(text(&pieces), bytes);
    assert!(pieces.windows(2).all(|two| two[0].0 <= two[1].0));
    assert!(pieces.windows(2).any(|two| two[0].0 + Duration::from_millis(5) < two[1].0), "there is jitter");
}

#[test]
fn a_full_buffer_holds_the_writer_back_until_a_quarter_is_free() {
    let mut link = link(LinkConfig::new().buffer(8));
    let mut bytes = BytesMut::from("0123456789");
    assert_eq!(link.write(at(0), &mut bytes), Ok(8));
    assert_eq!((&bytes[..], link.room(), link.is_writable()), (&b"89"[..], 0, false));
    assert_eq!(link.write(at(0), &mut bytes), Ok(0));
    let mut read = BytesMut::new();
    link.read(at(0), &mut read, 1);
    assert_eq!((link.room(), link.is_writable()), (1, false));
    link.read(at(0), &mut read, 1);
    assert!(link.is_writable());
    assert_eq!(link.write(at(0), &mut bytes), Ok(2));
}

#[test]
fn reads_come_in_chunks_of_drawn_sizes() {
    let mut link = link(LinkConfig::new().chunk(4));
    write(&mut link, at(0), &"x".repeat(400)).expect("room");
    let (pieces, _) = read_all(&mut link);
    for size in 1..=4 {
        assert!(pieces.iter().any(|(_, piece)| piece.len() == size), "one of {size}");
    }
    assert!(pieces.iter().all(|(_, piece)| piece.len() <= 4));
    assert_eq!(text(&pieces).len(), 400);
}

#[test]
fn nothing_arrives_within_a_stall() {
    let stalls = Stalls { longest_gap: Duration::from_millis(40), longest: Duration::from_millis(30) };
    let mut link = link(LinkConfig::new().stalls(stalls));
    for millisecond in 0..1_000 {
        write(&mut link, at(millisecond), "x").expect("room");
    }
    let (pieces, _) = read_all(&mut link);
    let mut moments: Vec<Instant> = pieces.iter().map(|(moment, _)| *moment).collect();
    assert!(moments.is_sorted());
    moments.dedup();
    let gaps = moments.windows(2).filter(|two| two[1] - two[0] > Duration::from_millis(5)).count();
    assert!(gaps > 10, "{gaps} stalls");
    assert!(moments.windows(2).all(|two| two[1] - two[0] < Duration::from_millis(32)));
    assert!(moments.last().is_some_and(|last| *last < at(1_030)), "what a stall held back does not delay what follows");
}

#[test]
fn an_orderly_close_comes_behind_the_last_byte() {
    let mut link = link(LinkConfig::new().latency(Duration::from_millis(5)));
    write(&mut link, at(0), "bye").expect("room");
    link.close(at(1));
    assert_eq!(write(&mut link, at(1), "more"), Err(LinkBroken));
    let mut read = BytesMut::new();
    assert_eq!(link.read(at(5), &mut read, 10), Read::Bytes(3));
    assert_eq!((link.read(at(5), &mut read, 10), link.readable_at()), (Read::Nothing, Some(at(6))));
    assert_eq!((link.read(at(6), &mut read, 10), link.readable_at()), (Read::End, None));
    assert_eq!(link.read(at(7), &mut read, 10), Read::End, "for whoever asks again");
}

#[test]
fn a_reset_takes_back_what_was_not_read() {
    let mut link = link(LinkConfig::new().latency(Duration::from_millis(5)));
    write(&mut link, at(0), "lost").expect("room");
    link.reset(at(2));
    assert_eq!(write(&mut link, at(2), "more"), Err(LinkBroken));
    assert_eq!(read_all(&mut link), (Vec::new(), Some(Read::Failed)));
    assert_eq!(link.held(), 0);
}

#[test]
fn a_reader_that_goes_away_breaks_the_link() {
    let mut link = link(LinkConfig::new().buffer(4));
    write(&mut link, at(0), "full").expect("room");
    assert!(!link.is_writable());
    link.stop_reading();
    assert!(link.is_writable(), "to learn that it failed");
    assert_eq!(write(&mut link, at(0), "more"), Err(LinkBroken));
    assert_eq!(link.readable_at(), None);
}

#[test]
fn a_cut_ends_the_stream_in_the_middle() {
    let mut link = link(LinkConfig::new().cut(Cut::end(7)));
    assert_eq!(write(&mut link, at(0), "0123"), Ok(4));
    assert!(!link.was_cut());
    assert_eq!(write(&mut link, at(0), "4567"), Ok(4), "the writer notices nothing");
    assert!(link.was_cut());
    assert_eq!(write(&mut link, at(0), "89"), Ok(2));
    link.close(at(0));
    let (pieces, end) = read_all(&mut link);
    assert_eq!((text(&pieces).as_slice(), end), (&b"0123456"[..], Some(Read::End)));
    assert_eq!(link.carried(), 7);
}

#[test]
fn a_cut_that_fails_fails_for_both() {
    let mut link = link(LinkConfig::new().cut(Cut::failure(3)));
    let mut bytes = BytesMut::from("0123456");
    assert_eq!(link.write(at(0), &mut bytes), Ok(3));
    assert_eq!((&bytes[..], link.was_cut()), (&b"3456"[..], true));
    assert_eq!(link.write(at(0), &mut bytes), Err(LinkBroken));
    let (pieces, end) = read_all(&mut link);
    assert_eq!((text(&pieces).as_slice(), end), (&b"012"[..], Some(Read::Failed)));
}

#[test]
fn after_a_silent_cut_the_buffer_fills_up_and_no_end_arrives() {
    let mut link = link(LinkConfig::new().buffer(10).cut(Cut::silence(3)));
    assert_eq!(write(&mut link, at(0), "01234567"), Ok(8));
    let (pieces, end) = read_all(&mut link);
    assert_eq!((text(&pieces).as_slice(), end), (&b"012"[..], None));
    assert_eq!((link.held(), link.room()), (5, 5), "nobody acknowledges the five");
    assert_eq!(write(&mut link, at(1), "01234567"), Ok(5));
    assert!(!link.is_writable());
    link.close(at(2));
    assert_eq!(link.readable_at(), None);
}

#[test]
fn the_same_seed_gives_the_same_link() {
    let config = LinkConfig::new().jitter(Duration::from_secs(1)).segment(9).chunk(9);
    let run = |seed| {
        let mut link = ByteLink::new(config.clone(), Random::new(seed));
        write(&mut link, at(0), &"x".repeat(500)).expect("room");
        read_all(&mut link)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
