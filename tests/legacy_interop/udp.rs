//! Over UDP on the loopback.

use mconn::sliding_window::legacy::TcpEvent;
use mconn::sliding_window::{CloseReason, Event};
use serde_json::{Value, json};

use crate::go::{Go, GoSession};
use crate::ours::{Cost, Exchange, Faults, Ours, close, exchange, wait};
use crate::wire::Wire;

/// The messages that ours takes at once.
const WINDOW: usize = 64;

/// The Go side: 8 messages of window, keepalives every 50 ms as ours.
fn go_config(port: u16, faults: Faults) -> Value {
    json!({
        "net": "udp", "port": port, "local": "go", "remote": "rust", "window": 8, "window_bytes": 1 << 20,
        "timeout_ms": 20, "keepalive_ms": 50, "connect_ms": 500,
        "faults": {"lose": faults.lose, "double": faults.double, "reorder": faults.reorder, "seed": faults.seed},
    })
}

/// Ours calls, the original listens.
fn we_call(go: &mut Go, faults: Faults, window: usize) -> (Ours, GoSession) {
    let (mut wire, own_port) = Wire::udp();
    let (session, port) = go.open(&go_config(own_port, faults));
    wire.aim(port);
    (Ours::new(wire, ["rust", "go"], true, faults, |config| config.receive.window = window), session)
}

/// The original calls, ours listens.
fn go_calls(go: &mut Go, faults: Faults, window: usize) -> (Ours, GoSession) {
    let (mut wire, own_port) = Wire::udp();
    let (session, port) = go.open(&go_config(own_port, faults));
    wire.aim(port);
    let ours = Ours::new(wire, ["rust", "go"], false, faults, |config| config.receive.window = window);
    go.tell(&session, json!({"do": "connect"}));
    (ours, session)
}

/// Messages of very different lengths, none of them empty: the pattern of an empty one proves nothing.
fn lens(count: usize) -> Vec<usize> {
    (0..count).map(|index| [1, 100, 1_200, 9_000, 333][index % 5] + index).collect()
}

#[test]
#[ignore = "takes Go"]
fn both_ways_without_loss_whoever_calls() {
    let mut go = Go::run();
    let lens = lens(300);
    let both = Exchange { to_go: &lens, to_us: &lens };
    for we in [true, false] {
        let begin = if we { we_call } else { go_calls };
        let (mut ours, session) = begin(&mut go, Faults::default(), WINDOW);
        let cost = exchange(&mut ours, &mut go, &session, &both);
        println!("we call: {we}: {cost:?}");
        close(&mut ours, &session);
    }
}

#[test]
#[ignore = "takes Go"]
fn both_ways_with_losses_copies_and_overtaking() {
    let mut go = Go::run();
    let lens = lens(80);
    let both = Exchange { to_go: &lens, to_us: &lens };
    for we in [true, false] {
        let mut sum = Cost::default();
        for seed in 1..=4 {
            let faults = Faults { lose: 10, double: 5, reorder: 10, first: None, seed };
            let begin = if we { we_call } else { go_calls };
            let (mut ours, session) = begin(&mut go, faults, WINDOW);
            sum += exchange(&mut ours, &mut go, &session, &both);
            close(&mut ours, &session);
        }
        println!("we call: {we}: {sum:?}");
    }
}

#[test]
#[ignore = "takes Go"]
fn a_fifth_of_all_packets_may_be_lost() {
    let mut go = Go::run();
    let lens = lens(60);
    let both = Exchange { to_go: &lens, to_us: &lens };
    let mut sum = Cost::default();
    for seed in 1..=2 {
        let faults = Faults { lose: 20, seed, ..Faults::default() };
        let (mut ours, session) = we_call(&mut go, faults, WINDOW);
        sum += exchange(&mut ours, &mut go, &session, &both);
        close(&mut ours, &session);
    }
    println!("{sum:?}");
}

/// The original stands still for ever here: 15 of 15 runs against itself.
#[test]
#[ignore = "takes Go"]
fn the_first_of_every_packet_of_ours_may_be_lost() {
    let mut go = Go::run();
    let lens = lens(20);
    let both = Exchange { to_go: &lens, to_us: &lens };
    for lost in 1..=2 {
        for kind in [
            TcpEvent::Syn,
            TcpEvent::SynAck,
            TcpEvent::EstabAck,
            TcpEvent::Data,
            TcpEvent::DataAck,
            TcpEvent::KeepAlive,
        ] {
            for we in [true, false] {
                let faults = Faults { first: Some((kind, lost)), seed: 1, ..Faults::default() };
                let begin = if we { we_call } else { go_calls };
                let (mut ours, session) = begin(&mut go, faults, WINDOW);
                exchange(&mut ours, &mut go, &session, &both);
                close(&mut ours, &session);
            }
        }
    }
}

#[test]
#[ignore = "takes Go"]
fn our_end_is_repeated_until_the_original_has_heard_it() {
    let mut go = Go::run();
    for lost in 1..=3 {
        let faults = Faults { first: Some((TcpEvent::Fin, lost)), seed: 1, ..Faults::default() };
        let (mut ours, session) = we_call(&mut go, faults, WINDOW);
        exchange(&mut ours, &mut go, &session, &Exchange { to_go: &[5; 20], to_us: &[] });
        close(&mut ours, &session);
    }
}

/// The original's end overtakes its data and is sent once; what it repeats after it still arrives.
#[test]
#[ignore = "takes Go"]
fn the_original_closes_right_behind_its_data_and_nothing_is_lost() {
    let mut go = Go::run();
    let mut complete = 0;
    for seed in 1..=10 {
        let faults = Faults { lose: 0, double: 0, reorder: 30, first: None, seed };
        let (mut ours, session) = we_call(&mut go, faults, WINDOW);
        ours.until("the session is open", |ours| ours.machine.is_connected());
        go.tell(&session, json!({"do": "push", "index": 0, "lens": vec![700; 20]}));
        go.tell(&session, json!({"do": "close"}));
        ours.until("it has ended", |ours| ours.closed().is_some());
        assert_eq!(ours.closed(), Some(&CloseReason::Finished));
        assert!(ours.events.contains(&Event::PeerFinished));
        complete += usize::from(ours.messages.len() == 20);
        go.tell(&session, json!({"do": "stop"}));
        wait(&session, "ended");
    }
    println!("complete: {complete} of 10");
    // Its FIN may itself be held back until a keepalive, never lost here.
    assert_eq!(complete, 10);
}

/// Ring overwrite: with a peer of its own kind whose window is larger, 3 of 100 messages arrived.
#[test]
#[ignore = "takes Go"]
fn a_window_larger_than_the_original_s_own_harms_nobody() {
    let mut go = Go::run();
    let lens = [400; 150];
    for window in [1, 3, 500] {
        let faults = Faults { lose: 14, seed: 3, ..Faults::default() };
        let (mut ours, session) = go_calls(&mut go, faults, window);
        let cost = exchange(&mut ours, &mut go, &session, &Exchange { to_go: &lens[..40], to_us: &lens[..60] });
        println!("{window}: {cost:?}");
        close(&mut ours, &session);
    }
}

#[test]
#[ignore = "takes Go"]
fn both_call_at_once() {
    let mut go = Go::run();
    for seed in 1..=5 {
        let faults = Faults { seed, ..Faults::default() };
        let (mut ours, session) = we_call(&mut go, faults, WINDOW);
        go.tell(&session, json!({"do": "connect"}));
        exchange(&mut ours, &mut go, &session, &Exchange { to_go: &[50; 30], to_us: &[50; 30] });
        close(&mut ours, &session);
    }
}

/// `Write` of the original returns when our application has consumed all.
#[test]
#[ignore = "takes Go"]
fn a_write_of_the_original_is_acknowledged_when_we_have_consumed_it() {
    let mut go = Go::run();
    let (mut ours, session) = we_call(&mut go, Faults::default(), WINDOW);
    ours.until("the session is open", |ours| ours.machine.is_connected());
    go.tell(&session, json!({"do": "write", "index": 0, "lens": [30_000, 60_000, 1]}));
    let mut told = vec![];
    ours.until("it has returned", |_| {
        told.extend(session.told());
        told.iter().any(|event| event.event == "write")
    });
    let written = told.iter().find(|event| event.event == "write").unwrap();
    assert_eq!((written.len, written.text.as_str()), (90_001, ""), "{:?}", written.status);
    assert_eq!(ours.messages.iter().map(bytes::Bytes::len).collect::<Vec<_>>(), [30_000, 60_000, 1]);
    close(&mut ours, &session);
}

/// An idle session lives on: the keepalives of both are answered.
#[test]
#[ignore = "takes Go"]
fn an_idle_session_stays() {
    let mut go = Go::run();
    let (mut ours, session) = we_call(&mut go, Faults::default(), WINDOW);
    ours.until("the session is open", |ours| ours.machine.is_connected());
    let start = ours.now();
    // The original gives up after 50 intervals of silence: 2.5 s.
    ours.until("six seconds have passed", |ours| (ours.now() - start).as_secs() >= 6);
    exchange(&mut ours, &mut go, &session, &Exchange { to_go: &[9; 3], to_us: &[9; 3] });
    close(&mut ours, &session);
}
