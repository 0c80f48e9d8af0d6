use super::*;
use std::string::ToString;

fn link(config: DatagramConfig) -> DatagramLink {
    DatagramLink::new(config, Random::new(42))
}

fn at(milliseconds: u64) -> Instant {
    Instant::from_millis(milliseconds)
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Everything that ever arrives: when, and what.
fn all(link: &mut DatagramLink) -> Vec<(Instant, Vec<u8>)> {
    let mut arrived = Vec::new();
    while let Some(next) = link.next_at() {
        let datagram = link.poll_delivery(next).expect("it said so");
        arrived.push((next, datagram.to_vec()));
        link.recycle(datagram);
    }
    assert_eq!((link.in_flight(), link.in_flight), (0, 0));
    arrived
}

/// Sends `count` numbered datagrams, a millisecond apart, and gives the numbers that arrive.
fn numbers(link: &mut DatagramLink, count: u32) -> Vec<u32> {
    for number in 0..count {
        link.send(at(u64::from(number)), &number.to_be_bytes());
    }
    let whole = |(_, bytes): (Instant, Vec<u8>)| u32::from_be_bytes(bytes.try_into().expect("four bytes"));
    all(link).into_iter().map(whole).collect()
}

fn arrives(fate: Fate) -> Instant {
    match fate {
        Fate::Arrives(passage) => passage.at,
        fate => panic!("{fate}"),
    }
}

#[test]
fn an_ideal_link_gives_at_once_what_was_sent() {
    let mut link = link(DatagramConfig::new());
    assert_eq!((link.next_at(), link.poll_delivery(Instant::MAX)), (None, None));
    assert_eq!(arrives(link.send(at(3), b"one")), at(3));
    assert_eq!(arrives(link.send(at(3), b"")), at(3));
    assert_eq!(link.poll_delivery(at(2)), None);
    assert_eq!(link.poll_delivery(at(3)).expect("one"), "one");
    assert_eq!(link.poll_delivery(at(3)).expect("an empty one"), "");
    let counters = *link.counters();
    assert_eq!((counters.sent, counters.delivered, counters.delivered_bytes, counters.lost()), (2, 2, 3, 0));
    assert_eq!(counters.kept(), 1_000_000);
}

#[test]
fn the_wire_takes_its_time_to_the_nanosecond() {
    let mut link = link(DatagramConfig::new().latency(ms(10)).bandwidth(3_000_000, usize::MAX).overhead(28));
    // 1,228 bytes at 3 MB/s: 409,333.3 ns, rounded up, each.
    let serial = 409_334;
    let start = at(5).as_nanos();
    for number in 1..=3 {
        let expected = Instant::from_nanos(start + number * serial) + ms(10);
        assert_eq!(arrives(link.send(at(5), &[0; 1_200])), expected);
    }
    // The wire is idle until this one.
    assert_eq!(arrives(link.send(at(50), &[0; 1_200])), at(60) + Duration::from_nanos(serial));
    assert_eq!(link.config().time_on_wire(0), Duration::ZERO);
    assert_eq!(DatagramConfig::new().time_on_wire(9), Duration::ZERO);
    assert_eq!(DatagramConfig::new().bandwidth(0, 1).time_on_wire(9), Duration::from_secs(9));
}

#[test]
fn the_queue_holds_what_it_may_and_not_a_byte_more() {
    // One byte per millisecond.
    let mut link = link(DatagramConfig::new().bandwidth(1_000, 100));
    assert_eq!(arrives(link.send(at(0), &[1; 60])), at(60));
    assert_eq!(link.queued(at(0)), 60);
    assert_eq!(link.send(at(0), &[2; 41]), Fate::Lost(Loss::QueueFull));
    assert_eq!(arrives(link.send(at(0), &[3; 40])), at(100));
    assert_eq!(link.send(at(59), b"x"), Fate::Lost(Loss::QueueFull), "the first is still on the wire");
    assert_eq!(link.queued(at(60)), 40);
    assert_eq!(arrives(link.send(at(60), &[4; 60])), at(160));
    // An empty one counts as a byte: it takes room and time.
    assert_eq!(link.send(at(60), b""), Fate::Lost(Loss::QueueFull));
    assert_eq!(arrives(link.send(at(100), b"")), at(161));
    assert_eq!((link.queued(at(160)), link.queued(at(161))), (1, 0));
    assert_eq!((link.counters().lost_queue, link.counters().queue_peak), (3, 100));
    assert_eq!(all(&mut link).len(), 4);
}

#[test]
fn a_full_wire_delivers_its_bandwidth() {
    let mut link = link(DatagramConfig::new().bandwidth(1_250_000, 20_000));
    for millisecond in 0..2_000 {
        for _ in 0..4 {
            link.send(at(millisecond), &[0; 1_000]); // 4 MB/s
        }
    }
    let carried: u64 = all(&mut link).iter().filter(|(when, _)| *when <= at(2_000)).map(|one| one.1.len() as u64).sum();
    assert_eq!(carried, 2_500_000, "two seconds of 1.25 MB each");
}

#[test]
fn loss_is_as_likely_as_it_says() {
    for parts in [0, 10_000, 200_000, 999_000, 1_000_000] {
        let mut link = link(DatagramConfig::new().loss(parts));
        let arrived = numbers(&mut link, 20_000);
        let lost = link.counters().lost_random;
        assert_eq!(arrived.len() as u64, 20_000 - lost);
        let expected = u64::from(parts) / 50;
        assert!(lost.abs_diff(expected) <= 250, "{lost} for {expected}");
        assert!(!matches!(parts, 0 | 1_000_000) || lost == expected);
        assert!(arrived.is_sorted());
    }
}

#[test]
fn bursts_have_the_length_and_share_that_were_asked_for() {
    for (length, share) in [(1, 100_000), (4, 50_000), (20, 100_000), (10, 500_000)] {
        let mut link = link(DatagramConfig::new().bursts(Bursts::new(length, share)));
        let count = 100_000;
        let arrived = numbers(&mut link, count);
        let lost = u64::from(count) - arrived.len() as u64;
        assert_eq!(lost, link.counters().lost_burst);
        let bursts = arrived.windows(2).filter(|two| two[1] > two[0] + 1).count() as u64;
        let expected = u64::from(share) / 10;
        assert!(lost.abs_diff(expected) < expected / 8, "{lost} for {expected}");
        let mean = lost * 100 / bursts;
        // Bursts of one can follow each other at once, and then look longer; the others can not.
        let expected = if length == 1 { 111 } else { u64::from(length) * 100 };
        assert!(mean.abs_diff(expected) < expected / 8, "{mean} for {expected}");
    }
    let all_lost = Bursts::new(0, 2_000_000);
    assert_eq!((all_lost.to_bad, all_lost.to_good), (1_000_000, 1_000_000));
    let some = Bursts { to_bad: 1_000_000, to_good: 0, loss_good: 0, loss_bad: 300_000, longest: Duration::MAX };
    let mut link = link(DatagramConfig::new().bursts(some));
    assert!(numbers(&mut link, 10_000).len().abs_diff(7_000) < 200);
}

#[test]
fn a_burst_ends_in_time() {
    let bursts = Bursts { to_bad: 10_000, to_good: 0, loss_good: 0, loss_bad: 1_000_000, longest: ms(20) };
    let mut link = link(DatagramConfig::new().bursts(bursts));
    let arrived = numbers(&mut link, 10_000);
    let gaps: Vec<u32> = arrived.windows(2).map(|two| two[1] - two[0] - 1).filter(|gap| *gap > 0).collect();
    // The first one after the end can begin the next burst.
    assert!(gaps.len() > 50 && gaps.iter().all(|gap| gap % 20 == 0), "{gaps:?}");
    let slow = DatagramConfig::new().bursts(Bursts::new(50, 100_000).longest(ms(500)));
    let mut slow = DatagramLink::new(slow, Random::new(1));
    for second in 0..5_000 {
        slow.send(Instant::from_secs(second), b"x");
    }
    let lost = slow.counters().lost_burst;
    assert!((1..50).contains(&lost), "{lost}: each burst strikes one");
}

#[test]
fn what_is_held_up_is_overtaken() {
    let mut link = link(DatagramConfig::new().latency(ms(5)).reorder(100_000, ms(20)));
    let arrived = numbers(&mut link, 10_000);
    let mut sorted = arrived.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..10_000).collect::<Vec<_>>(), "each once");
    let counters = link.counters();
    assert!(counters.delayed.abs_diff(1_000) < 100, "{counters}");
    assert!(counters.overtaken > 800 && counters.overtaken <= counters.delayed, "{counters}");
    let late = arrived.iter().enumerate().map(|(place, number)| place.abs_diff(*number as usize)).max();
    assert!(late.is_some_and(|places| (15..=20).contains(&places)), "{late:?}");
}

#[test]
fn jitter_reorders_only_where_it_may() {
    let config = DatagramConfig::new().jitter(ms(50));
    let mut ordered = link(config.clone());
    assert!(numbers(&mut ordered, 1_000).is_sorted());
    let mut config = config;
    config.jitter_reorders = true;
    let mut shuffled = link(config);
    let arrived = numbers(&mut shuffled, 1_000);
    assert!(!arrived.is_sorted() && arrived.len() == 1_000);
    let mut spread = link(DatagramConfig::new().latency(ms(100)).jitter(ms(50)));
    let delays: Vec<Duration> = (0..1_000)
        .map(|second| arrives(spread.send(Instant::from_secs(second), b"x")) - Instant::from_secs(second))
        .collect();
    let mean = delays.iter().sum::<Duration>() / 1_000;
    assert!(delays.iter().all(|delay| (ms(100)..=ms(150)).contains(delay)));
    assert!((ms(123)..ms(127)).contains(&mean), "{mean:?}");
}

#[test]
fn doubles_are_copies_and_come_within_their_time() {
    let mut link = link(DatagramConfig::new().duplicate(50_000, ms(30)).corrupt(500_000));
    for number in 0..10_000_u32 {
        let fate = link.send(at(0), &number.to_be_bytes());
        let Fate::Arrives(passage) = fate else { panic!("{fate}") };
        assert!(passage.again.is_none_or(|again| passage.at <= again && again <= passage.at + ms(30)));
    }
    let counters = *link.counters();
    assert!(counters.duplicated.abs_diff(500) < 60, "{counters}");
    assert_eq!(all(&mut link).len() as u64, 10_000 + counters.duplicated);

    // The second copy is whole, whatever became of the first.
    let mut config = DatagramConfig::new().duplicate(1_000_000, ms(1)).corrupt(1_000_000).truncate(1_000_000);
    config.flips = 1;
    let mut link = DatagramLink::new(config, Random::new(1));
    link.send(at(0), b"abcdefgh");
    let arrived = all(&mut link);
    assert_eq!(arrived.len(), 2);
    assert!(arrived[0].1.len() < 8 && arrived[1].1 == b"abcdefgh", "{arrived:?}");
}

#[test]
fn what_is_corrupt_differs_in_a_few_bits() {
    let mut config = DatagramConfig::new().corrupt(100_000);
    config.flips = 4;
    let mut link = link(config);
    let sent = [0x5a; 100];
    let mut flipped = [0_u32; 6];
    for _ in 0..10_000 {
        let fate = link.send(at(0), &sent);
        let Fate::Arrives(passage) = fate else { panic!("{fate}") };
        let got = link.poll_delivery(at(0)).expect("at once");
        let bits: u32 = got.iter().zip(sent).map(|(one, two)| (one ^ two).count_ones()).sum();
        assert_eq!((bits > 0, got.len()), (passage.is_damaged(), 100));
        assert!(bits <= passage.flipped);
        flipped[bits as usize] += 1;
    }
    assert!(u64::from(10_000 - flipped[0]).abs_diff(1_000) < 100, "{flipped:?}");
    assert!(flipped[1..=4].iter().all(|count| *count > 150) && flipped[5] == 0, "{flipped:?}");
    assert_eq!(link.counters().corrupted, u64::from(10_000 - flipped[0]));
    // Of a single byte every bit can flip, and none twice to nothing.
    for _ in 0..1_000 {
        link.send(at(0), &[0]);
    }
    assert!(all(&mut link).iter().filter(|(_, bytes)| bytes[0] != 0).count() > 60);
}

#[test]
fn what_is_cut_is_shorter() {
    let mut link = link(DatagramConfig::new().truncate(200_000).corrupt(200_000));
    let mut lengths = [0; 11];
    for _ in 0..10_000 {
        link.send(at(0), &[1; 10]);
        link.send(at(0), &[]);
    }
    for (_, bytes) in all(&mut link) {
        lengths[bytes.len()] += 1;
    }
    let cut: u64 = lengths[1..10].iter().sum::<u64>() + lengths[0] - 10_000;
    assert_eq!(cut, link.counters().truncated);
    assert!(cut.abs_diff(2_000) < 150, "{lengths:?}");
    assert!(lengths[1..10].iter().all(|count| *count > 130), "{lengths:?}");
}

#[test]
fn what_is_too_large_is_lost() {
    let mut link = link(DatagramConfig::new().mtu(8));
    assert_eq!(link.send(at(0), &[0; 9]), Fate::Lost(Loss::TooLarge));
    assert_eq!(arrives(link.send(at(0), &[0; 8])), at(0));
    assert_eq!(link.counters().lost_size, 1);
}

#[test]
fn nothing_passes_while_the_link_is_down() {
    let down = |from, until| Partition::new(at(from), at(until));
    let config = DatagramConfig::new().partition(down(40, 50)).partition(down(10, 20)).partition(down(15, 30));
    let mut flaky = link(config);
    let arrived = numbers(&mut flaky, 60);
    let expected: Vec<u32> = (0..10).chain(30..40).chain(50..60).collect();
    assert_eq!(arrived, expected);
    assert_eq!(flaky.counters().lost_partition, 30);
    let mut cut = link(DatagramConfig::new().partition(Partition::for_ever(at(3))));
    assert_eq!(numbers(&mut cut, 10), [0, 1, 2]);
}

#[test]
fn memory_is_bounded() {
    let mut config = DatagramConfig::new().latency(ms(10)).duplicate(1_000_000, ms(0));
    config.in_flight = 3 * 164;
    let mut link = link(config);
    assert!(matches!(link.send(at(0), &[0; 100]), Fate::Arrives(passage) if passage.again.is_some()));
    // Room for one, and not for its double.
    assert!(matches!(link.send(at(0), &[0; 100]), Fate::Arrives(passage) if passage.again.is_none()));
    assert_eq!(link.send(at(0), &[]), Fate::Lost(Loss::InFlight));
    assert_eq!((link.in_flight(), link.counters().in_flight_peak), (3, 3 * 164));
    assert_eq!(all(&mut link).len(), 3);
    assert!(matches!(link.send(at(20), &[0; 100]), Fate::Arrives(_)), "there is room again");
}

#[test]
fn a_buffer_that_was_given_back_is_used_again() {
    let mut link = link(DatagramConfig::new());
    link.send(at(0), &[1; 900]);
    let first = link.poll_delivery(at(0)).expect("one");
    let place = first.as_ptr();
    link.recycle(first);
    link.send(at(0), &[2; 900]);
    let second = link.poll_delivery(at(0)).expect("another");
    assert_eq!((second.as_ptr(), &second[..]), (place, &[2; 900][..]));
    for _ in 0..1_000 {
        link.recycle(BytesMut::new());
    }
    assert!(link.flight.spare() <= 256, "not without end");
}

#[test]
fn the_same_seed_gives_the_same_link() {
    let run = |seed| {
        let mut random = Random::new(seed);
        let mut link = DatagramLink::new(DatagramConfig::drawn(&mut random), random.fork());
        let fates: Vec<Fate> = (0..500).map(|millisecond| link.send(at(millisecond), &[7; 300])).collect();
        (fates, all(&mut link), *link.counters())
    };
    for seed in 0..20 {
        assert_eq!(run(seed), run(seed));
        assert_ne!(run(seed).1, run(seed + 1).1);
    }
}

#[test]
fn one_fault_does_not_change_another() {
    let lossy = DatagramConfig::new().loss(300_000);
    let expected = numbers(&mut link(lossy.clone()), 1_000);
    let mut more = link(lossy.duplicate(100_000, ms(0)).reorder(100_000, ms(5)).jitter(ms(3)));
    let mut arrived = numbers(&mut more, 1_000);
    arrived.sort_unstable();
    arrived.dedup();
    assert_eq!(arrived, expected);
}

/// Every datagram is accounted for, in every configuration.
#[test]
fn the_counters_add_up() {
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let mut link = DatagramLink::new(DatagramConfig::drawn(&mut random), random.fork());
        if random.percent(50) {
            link.script(Rule::new(Act::HoldUntilNext(ms(1))).spare(5).times(20));
        }
        for millisecond in 0..300 {
            link.send(at(millisecond * 40), &[1; 500]);
        }
        let arrived = all(&mut link);
        let counters = *link.counters();
        assert_eq!(counters.delivered, arrived.len() as u64);
        assert_eq!(counters.delivered + counters.lost(), 300 + counters.duplicated, "seed {seed}: {counters}");
        assert!(arrived.is_sorted_by_key(|(when, _)| *when));
        assert!(link.queue.len() <= 300 && link.held.is_none());
    }
}

mod scripts {
    use super::*;

    /// The first byte is the kind, the second the number.
    fn label(datagram: &[u8]) -> Option<Label> {
        let (kind, number) = (*datagram.first()?, *datagram.get(1)?);
        Some(Label::new(if kind == b'd' { "data" } else { "ack" }, u64::from(number - b'0')))
    }

    /// Sends words, a second apart, over a link with a script; what arrives.
    fn words(rules: &[Rule], sent: &str) -> std::string::String {
        let mut link = link(DatagramConfig::new().latency(ms(1)).classifier(label));
        for rule in rules {
            link.script(rule.clone());
        }
        for (second, word) in sent.split(' ').enumerate() {
            link.send(Instant::from_secs(second as u64), word.as_bytes());
        }
        let text = |(_, bytes)| std::string::String::from_utf8(bytes).expect("a word");
        all(&mut link).into_iter().map(text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn drops_by_kind_number_and_time() {
        let sent = "d1 a1 d2 d1 d3 d1 a2";
        assert_eq!(words(&[], sent), sent);
        assert_eq!(words(&[Rule::new(Act::Drop).kind("data").number(1).nth(2)], sent), "d1 a1 d2 d3 d1 a2");
        assert_eq!(words(&[Rule::new(Act::Drop).kind("data").numbers(2..=9)], sent), "d1 a1 d1 d1 a2");
        assert_eq!(words(&[Rule::new(Act::Drop).spare(2).times(2)], sent), "d1 a1 d3 d1 a2");
        let two = [Rule::new(Act::Drop).kind("ack"), Rule::new(Act::Drop).number(1).times(2)];
        assert_eq!(words(&two, sent), "d2 d3 d1", "what the first rule strikes the second does not see");
    }

    #[test]
    fn delays_doubles_and_damages() {
        assert_eq!(words(&[Rule::new(Act::Delay(ms(1_500))).number(1)], "d1 d2 d3"), "d2 d1 d3");
        assert_eq!(words(&[Rule::new(Act::Duplicate(ms(1_500))).number(1)], "d1 d2 d3"), "d1 d2 d1 d3");
        assert_eq!(words(&[Rule::new(Act::Truncate(1)).kind("data").nth(2)], "d1 d2 d3"), "d1 d d3");
        let mut link = link(DatagramConfig::new());
        link.script(Rule::new(Act::Corrupt).times(1));
        link.send(at(0), &[0; 9]);
        link.send(at(0), &[0; 9]);
        let arrived = all(&mut link);
        assert!(arrived[0].1 != [0; 9] && arrived[1].1 == [0; 9]);
    }

    #[test]
    fn a_rule_without_kind_and_number_strikes_the_unknown_too() {
        assert_eq!(words(&[Rule::new(Act::Drop).nth(2)], "d1 ? d2"), "d1 d2");
        assert_eq!(words(&[Rule::new(Act::Drop).number(1)], "d1 ? d2"), "? d2");
    }

    #[test]
    fn the_knobs_of_the_original() {
        assert_eq!(words(&[Rule::discard_once(1)], "d3 d1 d0 d1"), "d3 d0 d1");
        assert_eq!(words(&[Rule::duplicate_next()], "d0 d1"), "d0 d0 d1");
        assert_eq!(words(&[Rule::filter("ack", 2)], "a1 d1 a2 a3"), "d1 a3");
        assert_eq!(words(&[Rule::reorder_next()], "d0 d1 d2"), "d1 d0 d2");
        assert_eq!(words(&[Rule::reorder_next()], "d0"), "", "held until one more is sent");
    }

    #[test]
    fn what_was_held_comes_twenty_milliseconds_late() {
        let mut link = link(DatagramConfig::new().latency(ms(2)));
        link.script(Rule::reorder_next());
        assert_eq!(link.send(at(0), b"first"), Fate::Held);
        assert_eq!(link.next_at(), None);
        link.send(at(100), b"second");
        let arrived = all(&mut link);
        assert_eq!(arrived, [(at(102), b"second".to_vec()), (at(122), b"first".to_vec())]);
    }
}

#[test]
fn everything_reads() {
    let fate = Fate::Arrives(Passage { at: at(5), again: Some(at(9)), flipped: 2, cut_to: Some(3), delayed: true });
    assert_eq!(fate.to_string(), "sent, 2 bits flipped, cut to 3 bytes, held up until 5ms, doubled at 9ms");
    let plain = Fate::Arrives(Passage { at: at(5), again: None, flipped: 0, cut_to: None, delayed: false });
    assert_eq!((plain.to_string().as_str(), Fate::Held.to_string().as_str()), ("sent", "held until the next"));
    assert_eq!(Fate::Lost(Loss::Partition).to_string(), "lost: the link is down");
    let reasons =
        [Loss::Random, Loss::Burst, Loss::QueueFull, Loss::TooLarge, Loss::Partition, Loss::Script, Loss::InFlight];
    let quiet = LinkCounters { sent: 3, delivered_bytes: 9, ..LinkCounters::default() };
    assert_eq!(quiet.to_string(), "kept 100.0000 % (3 of 3), 9 bytes");
    let mut counters = LinkCounters { sent: 200, delivered_bytes: 5, duplicated: 1, ..LinkCounters::default() };
    for why in reasons {
        counters.lose(why);
    }
    assert_eq!((counters.lost(), counters.kept()), (7, 965_000));
    let text = counters.to_string();
    assert!(text.starts_with("kept 96.5000 % (193 of 200), 5 bytes, 1 lost by chance"), "{text}");
    assert_eq!(text.matches(", 1 ").count(), 8, "{text}");
}
