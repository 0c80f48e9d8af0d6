use alloc::collections::VecDeque;

use proptest::prelude::*;

use super::*;

fn ring(capacity: usize) -> EventRing {
    EventRing::new(NonZeroUsize::new(capacity).unwrap(), Duration::from_nanos(10))
}

fn at(nanoseconds: &[u64]) -> Vec<Instant> {
    nanoseconds.iter().copied().map(Instant::from_nanos).collect()
}

#[test]
fn a_full_ring_within_the_window_says_so() {
    let mut ring = ring(2);
    assert_eq!((ring.capacity(), ring.len(), ring.is_empty(), ring.window()), (2, 0, true, Duration::from_nanos(10)));
    let added: Vec<_> = at(&[5, 15, 26, 36, 30]).into_iter().map(|event| ring.add(event)).collect();
    assert_eq!(added, [false, true, false, true, true], "an earlier event is in any window");
    assert_eq!(ring.iter().collect::<Vec<_>>(), at(&[36, 30]));
    assert_eq!((ring.len(), ring.is_empty()), (2, false));
}

#[test]
fn what_is_adopted_replaces_what_was_there() {
    let mut ring = ring(3);
    ring.write(&at(&[1, 2]));
    ring.advance(1);
    ring.adopt(at(&[7, 8]));
    assert_eq!((ring.capacity(), ring.first_slot()), (3, 0));
    assert_eq!(ring.as_slices(), (&at(&[7, 8])[..], &[][..]));
    ring.adopt(at(&[1, 2, 3, 4]));
    assert_eq!((ring.capacity(), ring.len()), (4, 4));
    assert!(ring.add(Instant::from_nanos(5)));
    assert_eq!(ring.as_slices(), (&at(&[2, 3, 4])[..], &at(&[5])[..]));
    ring.adopt(at(&[9, 9, 9]));
    assert_eq!((ring.capacity(), ring.len(), ring.first_slot()), (4, 3, 0));
    ring.adopt(Vec::new());
    assert_eq!((ring.capacity(), ring.len()), (4, 0));
    ring.write(&at(&[1]));
    ring.reset();
    assert!(ring.is_empty());
}

#[derive(Clone, Debug)]
enum Operation {
    Add(u64),
    Write(Vec<u64>),
    Peek(usize),
    Read(usize),
    Advance(usize),
}

fn operations() -> impl Strategy<Value = Operation> {
    prop_oneof![
        (0..100_u64).prop_map(Operation::Add),
        prop::collection::vec(0..100_u64, 0..8).prop_map(Operation::Write),
        (0..8_usize).prop_map(Operation::Peek),
        (0..8_usize).prop_map(Operation::Read),
        (0..8_usize).prop_map(Operation::Advance),
    ]
}

proptest! {
    #[test]
    fn it_is_a_queue_of_bounded_length(capacity in 1..7_usize, operations in prop::collection::vec(operations(), 0..60)) {
        let mut ring = ring(capacity);
        let mut model = VecDeque::new();
        for operation in operations {
            match operation {
                Operation::Add(event) => {
                    let event = Instant::from_nanos(event);
                    if model.len() == capacity {
                        model.pop_front();
                    }
                    model.push_back(event);
                    let reached = model.len() == capacity && event - model[0] <= ring.window();
                    prop_assert_eq!(ring.add(event), reached);
                }
                Operation::Write(events) => {
                    let events = at(&events);
                    let room = events.len().min(capacity - model.len());
                    model.extend(&events[..room]);
                    prop_assert_eq!(ring.write(&events), room);
                }
                Operation::Peek(count) => {
                    let mut out = vec![Instant::ZERO; count];
                    let read = ring.peek(&mut out);
                    prop_assert!(out[..read].iter().eq(model.iter().take(count)));
                }
                Operation::Read(count) => {
                    let mut out = vec![Instant::ZERO; count];
                    let read = ring.read(&mut out);
                    let expected: Vec<_> = model.drain(..count.min(model.len())).collect();
                    prop_assert_eq!(&out[..read], expected);
                }
                Operation::Advance(count) => {
                    model.drain(..count.min(model.len()));
                    ring.advance(count);
                }
            }
            prop_assert!(ring.iter().eq(model.iter().copied()));
            prop_assert_eq!(ring.len(), model.len());
        }
    }
}
