//! An end whose word is lost: the peer learns of it when it goes on.

use mconn::machine::Machine;
use mconn::sliding_window::packet::{Frame, FramesPacket, Packet, Writer, decode, seal};
use mconn::sliding_window::{CloseReason, Config, Event, Farewell, Input, endpoint};
use mconn::time::{Duration, Instant};

use crate::endpoint::{World, config as endpoint_config};
use crate::support::{Kind, Pair, config, kind, ms, secs};

/// A pair of which side 0 has aborted, and side 1 has not heard of it.
fn aborted(alice: Config, bob: Config, text: &str) -> Pair {
    let mut pair = Pair::connected(alice, bob);
    pair.network = Box::new(|_, datagram| if datagram.kind == Kind::Abort { vec![] } else { vec![ms(10)] });
    pair.handle(0, Input::Abort { code: 7, text });
    assert!(pair.run(secs(1), |pair| pair.sides[0].closed.is_some()));
    assert_eq!((pair.count(0, Kind::Abort), pair.ends()[1].clone()), (1, None));
    pair
}

fn farewell(pair: &mut Pair) -> Farewell {
    let farewell = pair.sides[0].machine.farewell().expect("the peer does not know it");
    assert!(pair.sides[0].machine.farewell().is_none(), "once");
    farewell
}

/// What side 1 says next.
fn says(pair: &mut Pair) -> Vec<u8> {
    pair.send(1, "are you there?");
    pair.sides[1].machine.poll_transmit(pair.now).expect("a packet").to_vec()
}

#[test]
fn a_peer_that_goes_on_is_told_again() {
    let mut pair = aborted(config(0), config(1), "out of paper");
    let mut farewell = farewell(&mut pair);
    assert_eq!((farewell.tag(), farewell.until()), (config(0).tag, pair.now + config(0).linger));
    let answer = farewell.answer(&says(&mut pair)).unwrap();
    assert!(kind(&answer) == Kind::Abort && answer.len() <= 282);
    pair.handle(1, Input::Datagram(&answer));
    pair.sides[1].take();
    let reason = CloseReason::PeerAborted { code: 7, text: "out of paper".into() };
    assert_eq!(pair.ends()[1], Some(reason));
    assert!(pair.sides[1].machine.farewell().is_none(), "who was told need tell nobody");
}

/// RFC 9000 section 10.2.1: fewer and fewer answers.
#[test]
fn a_thousand_packets_get_ten_answers() {
    let mut pair = aborted(config(0), config(1), "");
    let mut farewell = farewell(&mut pair);
    let datagram = says(&mut pair);
    let answers: Vec<usize> = (1..=1000).filter(|_| farewell.answer(&datagram).is_some()).collect();
    assert_eq!(answers, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
}

#[test]
fn only_packets_of_the_session_are_answered_and_no_answer_is() {
    let mut pair = aborted(config(0), config(1), "");
    let mut first = farewell(&mut pair);
    let datagram = says(&mut pair);
    let mut damaged = datagram.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let packet = |tag, frame: &Frame<'_>| {
        let mut buffer = [0; 100];
        let mut writer = Writer::new(&mut buffer);
        FramesPacket::begin(&mut writer, tag, 9, true);
        assert!(frame.write(&mut writer));
        let len = writer.finish().unwrap();
        seal(&mut buffer[..len]);
        buffer[..len].to_vec()
    };
    let (ours, abort) = (first.tag(), Frame::Abort { code: 1, text: b"" });
    for silent in [damaged, vec![], packet(ours ^ 1, &Frame::Ping), packet(ours, &abort), datagram[..12].to_vec()] {
        assert_eq!(first.answer(&silent), None, "{silent:?}");
    }
    // Both have aborted, and neither has heard of it.
    pair.handle(1, Input::Abort { code: 8, text: "" });
    pair.exchange();
    let mut second = pair.sides[1].machine.farewell().unwrap();
    let word = first.answer(&datagram).unwrap();
    assert_eq!(second.answer(&word), None);
    assert!(first.answer(&packet(ours, &Frame::Ping)).is_some());
}

#[test]
fn the_words_fit_into_the_smallest_datagrams_of_both() {
    for (ours, theirs) in [(256, 1200), (1200, 256), (256, 256)] {
        let (mut alice, mut bob) = (config(0), config(1));
        (alice.max_datagram, bob.max_datagram) = (ours, theirs);
        let mut pair = Pair::connected(alice, bob);
        pair.handle(0, Input::Abort { code: (1 << 60) - 1, text: &"é".repeat(127) });
        assert!(pair.run_to_end(secs(1)), "{ours} {theirs}");
        let Some(CloseReason::PeerAborted { text, .. }) = &pair.ends()[1] else { panic!("{:?}", pair.ends()) };
        assert_eq!(text, &"é".repeat(114), "{ours} {theirs}");
    }
}

#[test]
fn there_is_none_where_the_peer_knows_or_nobody_wants_to_linger() {
    let mut finished = Pair::connected(config(0), config(1));
    assert!(finished.sides[0].machine.farewell().is_none(), "it has not ended");
    finished.handle(1, Input::TransportFailed);
    finished.exchange();
    assert!(finished.sides[1].machine.farewell().is_none(), "nothing is to be told");
    let mut short = config(0);
    short.linger = Duration::ZERO;
    assert!(aborted(short, config(1), "").sides[0].machine.farewell().is_none());
    let mut pair = Pair::connected(config(0), config(1));
    pair.handle(0, Input::Abort { code: 7, text: "" });
    assert!(pair.sides[0].machine.farewell().is_none(), "its last event was not taken");
}

/// Who ends first in good order says so; whoever has not heard it, and asks, is told again.
#[test]
fn a_lost_last_word_of_an_orderly_end_is_said_again() {
    let mut pair = Pair::connected(config(0), config(1));
    pair.network =
        Box::new(|_, datagram| if datagram.from == 1 && datagram.kind == Kind::Abort { vec![] } else { vec![ms(10)] });
    pair.handle(0, Input::Close);
    assert!(pair.run(secs(1), |pair| pair.sides[1].closed == Some(CloseReason::Finished)));
    assert_eq!(pair.ends()[0], None, "it lingers");
    let mut farewell = pair.sides[1].machine.farewell().unwrap();
    pair.sides[0].machine.probe(pair.now);
    let asks = pair.sides[0].machine.poll_transmit(pair.now).unwrap();
    let answer = farewell.answer(&asks).expect("a word for who asks");
    pair.handle(0, Input::Datagram(&answer));
    pair.exchange();
    assert!(pair.sides[0].has(&Event::Closed(CloseReason::Finished)));
}

/// A connected pair, of which the one that was called aborts; the first `lost` words of it are lost. With the moment of that.
fn aborted_endpoint(lost: usize, settled: Duration) -> (World, Instant) {
    let mut world = World::new([endpoint_config(0), endpoint_config(1)]);
    let key = world.endpoints[1].connect(Instant::ZERO, 0).unwrap();
    assert!(world.run(secs(5), |world| world.count(|event| *event == Event::Connected) == 2));
    world.run(settled, |_| false);
    let mut said = 0;
    world.loses = Box::new(move |from, datagram| {
        let Ok(Packet::Frames(packet)) = decode(datagram) else { return false };
        let aborts = packet.frames().any(|frame| matches!(frame, Ok(Frame::Abort { .. })));
        said += usize::from(from == 0 && aborts);
        from == 0 && aborts && said <= lost
    });
    let theirs = world.endpoints[0].sessions().next().unwrap();
    let now = world.now;
    let abort = Input::Abort { code: 7, text: "enough" };
    world.endpoints[0].with(now, theirs, |session| session.handle(now, abort));
    world.run(ms(1), |_| false);
    assert!(world.endpoints[0].is_empty() && !world.endpoints[1].is_empty());
    assert_eq!(key, world.endpoints[1].sessions().next().unwrap());
    (world, now)
}

fn is_told(world: &World) -> bool {
    let reason = CloseReason::PeerAborted { code: 7, text: "enough".into() };
    world.count(|event| *event == Event::Closed(reason.clone())) == 1
}

/// An end whose word is lost is told again to a peer that goes on, as early as it does.
#[test]
fn an_abort_that_was_lost_is_told_again() {
    for lost in [1, 3] {
        let (mut world, _) = aborted_endpoint(lost, ms(100));
        let key = world.endpoints[1].sessions().next().unwrap();
        world.send(1, key, "are you there?");
        assert!(world.run(secs(3), |world| is_told(world)), "{lost}");
        assert_eq!(world.endpoints[0].counters().farewells_repeated, lost as u64);
        assert_eq!(world.endpoints[0].counters().unknown_tag, 0);
    }
}

/// A peer with nothing to say speaks when its keepalive is due, whenever that is.
#[test]
fn an_idle_peer_learns_of_a_lost_abort_by_its_keepalive() {
    for settled in [0, 1, 5, 9, 11, 19] {
        let (mut world, start) = aborted_endpoint(1, secs(settled) + ms(100));
        assert!(world.run(secs(29), |world| is_told(world)), "{settled}");
        assert!(world.now - start <= secs(11), "{settled}: {:?}", world.now - start);
    }
}

#[test]
fn what_answers_for_ended_sessions_is_forgotten_after_a_while() {
    let (mut world, start) = aborted_endpoint(usize::MAX, ms(100));
    let key = world.endpoints[1].sessions().next().unwrap();
    world.send(1, key, "are you there?");
    let (_, datagram) = world.endpoints[1].poll_transmit(world.now).unwrap();
    let [ended, _] = &mut world.endpoints[..] else { panic!("two") };
    let mut feed = |now, from| {
        ended.handle(now, endpoint::Input::Datagram { from, bytes: &datagram });
        let counters = ended.counters();
        (ended.poll_transmit(now).is_some(), counters.unknown_tag, counters.wrong_address)
    };
    assert_eq!(feed(start + secs(1), 77), (false, 0, 1), "from elsewhere");
    assert_eq!(feed(start + secs(14), 1), (true, 0, 1));
    assert_eq!(feed(start + secs(16), 1), (false, 1, 1), "the linger time and a keepalive interval are over");
}

/// Whatever number of sessions is aborted: what answers for them is bounded, and so are its answers.
#[test]
fn what_answers_for_ended_sessions_is_bounded() {
    let mut world = World::new([endpoint_config(0), endpoint_config(1)]);
    for _ in 0..300 {
        world.endpoints[1].connect(Instant::ZERO, 0).unwrap();
        world.run(ms(20), |_| false);
    }
    assert_eq!(world.endpoints[0].len(), 300);
    world.loses = Box::new(|from, _| from == 0);
    let keys: Vec<_> = world.endpoints[0].sessions().collect();
    for key in keys {
        let now = world.now;
        let abort = Input::Abort { code: 7, text: "enough" };
        world.endpoints[0].with(now, key, |session| session.handle(now, abort));
    }
    world.run(ms(1), |_| false);
    let keys: Vec<_> = world.endpoints[1].sessions().collect();
    let mut asked = vec![];
    for key in keys {
        world.send(1, key, "are you there?");
    }
    while let Some((_, datagram)) = world.endpoints[1].poll_transmit(world.now) {
        asked.push(datagram);
    }
    let ended = &mut world.endpoints[0];
    let before = ended.counters().unknown_tag;
    for datagram in &asked {
        ended.handle(world.now, endpoint::Input::Datagram { from: 1, bytes: datagram });
    }
    assert_eq!((asked.len(), ended.counters().unknown_tag - before), (300, 44));
    assert_eq!(std::iter::from_fn(|| ended.poll_transmit(world.now)).count(), 64, "no more wait for the transport");
}
