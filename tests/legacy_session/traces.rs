//! Two recorded sessions of the original: ours in the place of either end, with its nonce, fed with what that end received from
//! the wire at the recorded times.
//!
//! What ours sends is compared with what the original sent in its place, packet by packet. They differ on purpose in four
//! fields, which [`mend`] sets in the recorded packet: the acknowledgement counts from -1, our SYN tells windows, the windows
//! count from what was consumed (so they stay what they are, and are never one too large), and the estimates of the round-trip
//! time stay at home.

#[path = "../support/mod.rs"]
mod support;

use bytes::Bytes;
use mconn::machine::Machine;
use mconn::sliding_window::legacy::{LegacyConfig, Packet, TcpEvent, TcpState, Timestamp, checksum};
use mconn::sliding_window::{Config, Event, Input, SendOptions, SlidingWindow};
use mconn::time::{Duration, Instant};
use serde_json::Value;

use crate::support::{decode, encode};

/// A packet of a trace.
struct Recorded {
    at: Instant,
    dropped: bool,
    packet: Packet,
    wire_len: usize,
}

fn recorded(row: &Value) -> Option<Recorded> {
    let fields = row["p"].as_object()?;
    let integer = |key: &str| fields[key].as_i64().unwrap();
    let text = |key: &str| Bytes::copy_from_slice(fields[key].as_str().unwrap().as_bytes());
    let time = |key: &str| {
        let part = |part: &str| fields[key][part].as_i64().unwrap();
        Timestamp::new(part("sec"), part("nsec") as i32)
    };
    let len = fields["Data"]["len"].as_u64().unwrap() as usize;
    let data: Bytes = match fields["Data"]["hex"].as_str() {
        Some(hex) => hex::decode(hex).unwrap().into(),
        None => (0..251).cycle().take(len).collect(),
    };
    let sum = if len == 0 { Bytes::new() } else { Bytes::copy_from_slice(&checksum(&data)) };
    let packet = Packet {
        from: text("From"),
        dest: text("Dest"),
        from_nonce: text("FromSessNonce"),
        dest_nonce: text("DestSessNonce"),
        arrived_at: time("ArrivedAtDestTm"),
        data_sent_at: time("DataSendTm"),
        sequence: integer("SeqNum"),
        sequence_retry: integer("SeqRetry"),
        ack: integer("AckNum"),
        ack_retry: integer("AckRetry"),
        ack_replied_at: time("AckReplyTm"),
        event: TcpEvent::from(integer("TcpEvent")),
        available_bytes: integer("AvailReaderBytesCap"),
        available_messages: integer("AvailReaderMsgCap"),
        rtt_estimate: integer("FromRttEstNsec"),
        rtt_deviation: integer("FromRttSdNsec"),
        rtt_samples: integer("FromRttN"),
        cumulative_bytes: integer("CumulBytesTransmitted"),
        data,
        data_offset: integer("DataOffset"),
        checksum: sum,
    };
    let recorded = Recorded {
        at: Instant::from_micros(row["t_us"].as_u64().unwrap()),
        dropped: row["dropped"].as_bool().unwrap(),
        packet,
        wire_len: row["wire_len"].as_u64().unwrap() as usize,
    };
    assert_eq!(encode(&recorded.packet).len(), recorded.wire_len, "{row}");
    Some(recorded)
}

fn trace(name: &str) -> Vec<Recorded> {
    support::vectors(&format!("sliding_window/{name}")).iter().filter_map(recorded).collect()
}

/// The recorded packet as ours sends it: `consumed` messages were consumed.
fn mend(packet: &Packet, consumed: i64) -> Packet {
    Packet {
        ack: consumed - 1,
        available_bytes: 65_536,
        available_messages: 8,
        rtt_estimate: 0,
        rtt_deviation: 0,
        rtt_samples: 0,
        // Times are the driver's; compared apart.
        data_sent_at: Timestamp::ZERO,
        ack_replied_at: Timestamp::ZERO,
        ..packet.clone()
    }
}

/// How many bytes less a packet of ours has: the estimates are 0, and 0 is short.
fn saved(packet: &Packet) -> usize {
    let short = |value: i64| encode(&Packet { rtt_estimate: value, ..Packet::default() }).len();
    let fields = [packet.rtt_estimate, packet.rtt_deviation, packet.rtt_samples];
    fields.iter().map(|value| short(*value) - short(0)).sum()
}

/// One end of a trace, played by ours.
struct End {
    machine: SlidingWindow,
    sent: Vec<Packet>,
    received: Vec<u8>,
    states: Vec<TcpState>,
}

impl End {
    fn new(side: &str, trace: &[Recorded]) -> Self {
        let nonce = |side: &str| {
            let own = trace.iter().find(|recorded| recorded.packet.from == side).unwrap();
            String::from_utf8(own.packet.from_nonce.to_vec()).unwrap()
        };
        let other = if side == "A" { "B" } else { "A" };
        // The clock of the trace: the SYNACK left at this moment.
        let answer = trace.iter().find(|recorded| recorded.packet.event == TcpEvent::SynAck).unwrap();
        let moment = answer.packet.ack_replied_at;
        let nanoseconds = i64::from(moment.nanoseconds()) - answer.at.as_nanos() as i64;
        let clock = Timestamp::new(
            moment.seconds() + nanoseconds.div_euclid(1_000_000_000),
            nanoseconds.rem_euclid(1_000_000_000) as i32,
        );
        let mut legacy = LegacyConfig::new(side, other, nonce(side), clock);
        legacy.peer_window = Some(8);
        let mut config = Config::legacy(legacy);
        config.max_datagram = 70_000;
        (config.receive.window, config.receive.max_message, config.receive.max_bytes) = (8, 65_536, 65_536);
        (config.keepalive, config.idle_timeout) = (None, None);
        // What is repeated is told by the trace, not by a clock.
        config.handshake.first_timeout = Duration::from_secs(1);
        let make = if side == "A" { SlidingWindow::connect } else { SlidingWindow::listen };
        let machine = make(config, Instant::ZERO).unwrap();
        let states = vec![machine.legacy_state().unwrap()];
        Self { machine, sent: vec![], received: vec![], states }
    }

    fn pull(&mut self, now: Instant) {
        loop {
            while let Some(event) = self.machine.poll_event() {
                if let Event::Message { payload, .. } = event {
                    self.received.extend_from_slice(&payload);
                }
            }
            let state = self.machine.legacy_state().unwrap();
            if self.states.last() != Some(&state) {
                self.states.push(state);
            }
            let Some(datagram) = self.machine.poll_transmit(now) else { return };
            self.sent.push(decode(&datagram));
        }
    }
}

fn replay(name: &str, side: &str) -> (End, Vec<Recorded>) {
    let trace = trace(name);
    let mut end = End::new(side, &trace);
    end.pull(Instant::ZERO);
    for recorded in &trace {
        let (now, packet) = (recorded.at, &recorded.packet);
        if packet.from == side {
            // What the application did, at the moment at which the original sent it first.
            if packet.event == TcpEvent::Data && packet.sequence_retry == 0 {
                end.machine.try_send(now, packet.data.clone(), &SendOptions::ORDERED).unwrap();
            }
            if packet.event == TcpEvent::Fin {
                end.machine.handle(now, Input::Close);
            }
        } else if !recorded.dropped {
            end.machine.handle(now, Input::Datagram(&encode(packet)));
        }
        end.machine.handle_timeout(now);
        end.pull(now);
    }
    (end, trace)
}

/// The packets of one kind that ours sent are those that the original sent, without what it repeated.
fn compare(end: &End, trace: &[Recorded], side: &str, kind: TcpEvent) -> usize {
    let without_times = |packet: &Packet| Packet {
        data_sent_at: Timestamp::ZERO,
        ack_replied_at: Timestamp::ZERO,
        sequence_retry: if kind == TcpEvent::Data { 0 } else { packet.sequence_retry },
        ..packet.clone()
    };
    let is_first = |packet: &&Packet| packet.event == kind && (kind != TcpEvent::Data || packet.sequence_retry == 0);
    let mut ours: Vec<_> = end.sent.iter().filter(is_first).collect();
    let theirs: Vec<_> =
        trace.iter().filter(|recorded| recorded.packet.from == side && is_first(&&recorded.packet)).collect();
    if kind == TcpEvent::DataAck {
        // Ours also answers copies that came when the original had not delivered yet.
        let answers = |ours: &&Packet| {
            let is_same = |theirs: &&&Recorded| theirs.packet.data_sent_at == ours.data_sent_at;
            theirs.iter().any(|theirs| is_same(&theirs))
        };
        ours.retain(answers);
    }
    for (number, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        let consumed = ours.ack + 1;
        let mut expected = mend(&theirs.packet, consumed);
        if kind == TcpEvent::Syn {
            assert_eq!(ours.available_messages, 8, "our SYN tells windows");
        } else {
            assert_eq!(encode(ours).len(), theirs.wire_len - saved(&theirs.packet), "{kind:?} {number}");
        }
        if kind == TcpEvent::DataAck {
            // The answer to a keepalive; and the original's number 0, which may mean nothing.
            expected.ack = ours.ack;
            assert!(ours.ack == theirs.packet.ack || (ours.ack, theirs.packet.ack) == (-1, 0));
            assert_eq!(ours.data_sent_at, theirs.packet.data_sent_at, "it repeats the time of what it answers");
        }
        assert_eq!(without_times(ours), without_times(&expected), "{kind:?} {number}");
    }
    assert!(kind != TcpEvent::Data || ours.len() == theirs.len());
    ours.len().min(theirs.len())
}

/// The bytes that went from A to B.
fn stream(trace: &[Recorded]) -> Vec<u8> {
    let first = |recorded: &&Recorded| recorded.packet.event == TcpEvent::Data && recorded.packet.sequence_retry == 0;
    trace.iter().filter(first).flat_map(|recorded| recorded.packet.data.to_vec()).collect()
}

const KINDS: [TcpEvent; 8] = [
    TcpEvent::Syn,
    TcpEvent::SynAck,
    TcpEvent::EstabAck,
    TcpEvent::Data,
    TcpEvent::DataAck,
    TcpEvent::KeepAlive,
    TcpEvent::Fin,
    TcpEvent::FinAck,
];

#[test]
fn ours_in_the_place_of_the_caller_sends_what_the_original_sent() {
    for (name, data) in [("trace_lossless", 6), ("trace_lossy", 6)] {
        let (end, trace) = replay(name, "A");
        let counts = KINDS.map(|kind| compare(&end, &trace, "A", kind));
        // Syn, EstabAck, all data once, the answer to the keepalive, Fin. With loss, a keepalive of the other end opens the
        // session, which is earlier than the second SYN; and the repeated SYNACK is answered too.
        let lossy = name == "trace_lossy";
        assert_eq!(counts, [1, 0, 1, data, 1, 0, 1, 0], "{name}");
        let estab_acks = end.sent.iter().filter(|packet| packet.event == TcpEvent::EstabAck).count();
        assert_eq!(estab_acks, if lossy { 2 } else { 1 });
        use TcpState::{CloseInitiatorHasSentFin, Closed, Established, SynSent};
        let closed: &[TcpState] = if lossy { &[] } else { &[Closed] };
        assert_eq!(end.states, [&[SynSent, Established, CloseInitiatorHasSentFin], closed].concat(), "{name}");
        let sent: Vec<u8> = end
            .sent
            .iter()
            .filter(|packet| packet.event == TcpEvent::Data && packet.sequence_retry == 0)
            .flat_map(|packet| packet.data.to_vec())
            .collect();
        assert_eq!(sent, stream(&trace), "{name}");
    }
}

#[test]
fn ours_in_the_place_of_the_listener_delivers_what_the_original_delivered() {
    for (name, len, acks) in [("trace_lossless", 220_100, 6), ("trace_lossy", 300_100, 5)] {
        let (mut end, trace) = replay(name, "B");
        let counts = KINDS.map(|kind| compare(&end, &trace, "B", kind));
        let syn_acks = if name == "trace_lossy" { 2 } else { 1 };
        // In the one with loss the original's FINACK never left it; ours does.
        let fin_acks = if name == "trace_lossy" { 0 } else { 1 };
        assert_eq!(counts, [0, syn_acks, 0, 0, acks, 0, 0, fin_acks], "{name}");
        assert!(end.sent.iter().any(|packet| packet.event == TcpEvent::FinAck));
        assert_eq!(end.received.len(), len);
        assert_eq!(end.received, stream(&trace), "{name}");
        // The end of the original does not tell whether all data came before: ours waits a while.
        let last = trace.last().unwrap().at;
        for wait in [0, 2, 10] {
            end.machine.handle_timeout(last + Duration::from_secs(wait));
            end.pull(last + Duration::from_secs(wait));
        }
        use TcpState::{CloseResponderGotFin, Closed, Established, Listen, SynReceived};
        assert_eq!(end.states, [Listen, SynReceived, Established, CloseResponderGotFin, Closed], "{name}");
        assert!(end.machine.is_closed());
    }
}
