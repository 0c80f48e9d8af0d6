//! What Go refuses, we refuse; what it takes, we take.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use mconn::connection::{ChannelConfig, CloseReason, MConnConfig};
use mconn::wire::{Codec, DecodeRule};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::exchange::{Dials, connect, connect_raw, exchange};
use crate::go_peer::{GoChannel, GoConfig, GoEvent, GoPeer, Link, PATIENCE};
use crate::our_end::{Adapter, OurEnd};
use crate::sealed::{in_the_clear, node};
use crate::support::{bytes, number, text, vectors};
use crate::version::{Version, go};

/// The channels of the decode cases. Channel 0x20 takes no more than 2048 bytes.
const CHANNELS: [(u8, u32); 7] = [(0x00, 1), (0x01, 1), (0x20, 1), (0x55, 1), (0x7f, 1), (0x80, 1), (0xff, 1)];
const SMALL: (u8, usize) = (0x20, 2048);

/// How long a connection is watched that should wait for the rest of a packet. An error that comes later would be taken for
/// one that the end of the stream has caused; the golden data have all of them.
const A_WHILE: Duration = Duration::from_millis(2);

/// A message as both sides tell it.
type Told = (u8, usize, String);

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It refused what it had read.
    Refused,
    /// It took everything, and then the stream ended.
    Ended,
    /// It waited for more, and then the stream ended.
    Unfinished,
}

/// The receiving end of a stream of packets.
trait Receiver {
    /// The next message; `None` at the end.
    fn next(&mut self) -> Option<Told>;
    /// Whether it has refused something, without waiting for long.
    fn has_ended(&mut self) -> bool;
    /// Why no more comes.
    fn why(&self) -> String;
}

struct Go<'a> {
    link: Link<'a>,
    error: Option<String>,
    early: Option<GoEvent>,
}

impl Receiver for Go<'_> {
    fn next(&mut self) -> Option<Told> {
        match self.early.take().unwrap_or_else(|| self.link.next()) {
            GoEvent::Message { channel, len, sha256 } => Some((channel, len, sha256)),
            GoEvent::Error { text } => {
                self.error = Some(text);
                None
            }
            other => panic!("{other:?}"),
        }
    }

    fn has_ended(&mut self) -> bool {
        self.early = self.link.next_within(A_WHILE);
        matches!(self.early, Some(GoEvent::Error { .. }))
    }

    fn why(&self) -> String {
        self.error.clone().unwrap()
    }
}

impl Receiver for OurEnd {
    fn next(&mut self) -> Option<Told> {
        self.recv().map(|(channel, payload)| (channel, payload.len(), hex::encode(Sha256::digest(&payload))))
    }

    fn has_ended(&mut self) -> bool {
        self.closed_within(A_WHILE).is_some()
    }

    fn why(&self) -> String {
        self.closed().to_string()
    }
}

/// What a receiver did with the bytes of a row.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    messages: Vec<Told>,
    end: End,
}

/// Sends the bytes of a row, and then whatever shows what the receiver made of them.
fn try_row(version: &Version, row: &Value, mut raw: TcpStream, receiver: &mut dyn Receiver) -> (Outcome, String) {
    raw.set_read_timeout(Some(PATIENCE)).unwrap();
    raw.write_all(&bytes(row, "hex")).unwrap();
    let mut messages = Vec::new();
    let verdict = text(row, "verdict");
    let expected = if refused(row) {
        End::Refused
    } else if verdict == "ok" {
        End::Ended
    } else {
        End::Unfinished
    };
    match expected {
        End::Refused => messages.extend(std::iter::from_fn(|| receiver.next())),
        End::Ended => {
            if row["replies_hex"].as_str().is_some_and(|replies| !replies.is_empty()) {
                let mut pong = vec![0; version.codec.pong().len()];
                raw.read_exact(&mut pong).unwrap();
                assert_eq!(pong, version.codec.pong(), "{row}");
            }
            let header = version.codec.message_header(0x55, true, 8);
            raw.write_all(&[header.as_slice(), b"sentinel"].concat()).unwrap();
            let sentinel = (0x55, 8, hex::encode(Sha256::digest(b"sentinel")));
            loop {
                match receiver.next() {
                    Some(message) if message == sentinel => break,
                    Some(message) => messages.push(message),
                    None => panic!("refused, {}: {row}", receiver.why()),
                }
            }
            raw.shutdown(Shutdown::Write).unwrap();
            assert_eq!(receiver.next(), None, "{row}");
        }
        End::Unfinished => {
            assert!(!receiver.has_ended(), "{row}");
            raw.shutdown(Shutdown::Write).unwrap();
            messages.extend(std::iter::from_fn(|| receiver.next()));
        }
    }
    (Outcome { messages, end: expected }, receiver.why())
}

/// Whether the data say that a connection refuses the row. Those of Amino are of the codec alone.
fn refused(row: &Value) -> bool {
    let known = |packet: &Value| {
        packet["kind"] != "msg" || CHANNELS.iter().any(|(id, _)| packet["channel"].as_u64() == Some(u64::from(*id)))
    };
    text(row, "verdict").starts_with("error")
        || row["packets"].as_array().is_some_and(|packets| !packets.iter().all(known))
}

/// What Go said when the data were made. Those of Amino know no channels, and their packet is of another package.
fn golden_error(row: &Value) -> String {
    let error = row["then_eof"]["error"].as_str().or(row["error"].as_str()).unwrap_or("unknown channel");
    error.replace("main.Packet", "conn.Packet")
}

/// The end of our connection, from its reason.
fn our_end(reason: &CloseReason) -> End {
    match reason {
        CloseReason::Decode { .. } | CloseReason::UnknownChannel { .. } | CloseReason::MessageTooLarge { .. } => {
            End::Refused
        }
        CloseReason::PeerClosed { unread_bytes: 0, .. } => End::Ended,
        CloseReason::PeerClosed { .. } => End::Unfinished,
        other => panic!("{other}"),
    }
}

/// The settings of the decode cases, of Go and of ours.
fn settings(version: &Version) -> (GoConfig, MConnConfig) {
    let mut theirs = go(&CHANNELS);
    for channel in theirs.channels.iter_mut().filter(|channel| channel.id == SMALL.0) {
        *channel = GoChannel { capacity: SMALL.1, ..*channel };
    }
    let mut ours = version.ours(&CHANNELS);
    for channel in ours.channels.iter_mut().filter(|channel| channel.id == SMALL.0) {
        *channel = ChannelConfig::new(channel.id, 1).recv_message_capacity(SMALL.1);
    }
    (theirs, ours)
}

fn go_outcome(version: &Version, peer: &GoPeer, theirs: &GoConfig, row: &Value) -> Outcome {
    let (link, raw) = connect_raw(peer, Dials::We, theirs);
    let mut receiver = Go { link, error: None, early: None };
    let (outcome, error) = try_row(version, row, raw, &mut receiver);
    match outcome.end {
        End::Refused => {
            // In v1 the package has another name. With Amino there are more words around it, and what is another registered
            // type makes it panic, inside of the recovery of the connection.
            let error = error.replace("v1.Packet", "p2p.Packet");
            let panicked = error.contains("is not assignable to type conn.Packet") && !version.is_proto3();
            assert!(error.contains(&golden_error(row)) || panicked, "{error}: {row}");
        }
        End::Ended => assert_eq!(error, "EOF", "{row}"),
        // Since Go 1.20 a length that breaks off is an unexpected end. Before the body, the end is as good as any.
        End::Unfinished => {
            let in_length = text(row, "name").starts_with("unterminated length");
            let golden = row["then_eof"]["error"].as_str().filter(|_| !in_length);
            let known = |error: &str| error == "EOF" || error == "unexpected EOF";
            assert!(golden.map_or(known(&error), |golden| error == golden), "{error}: {row}");
        }
    }
    outcome
}

fn our_outcome(version: &Version, listener: &TcpListener, ours: MConnConfig, row: &Value, adapter: Adapter) -> Outcome {
    let raw = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let stream = listener.accept().unwrap().0;
    let (raw, mut end) = if version.sealed {
        let node = |name| node(name, ours.channels.iter().map(|channel| channel.id));
        let (theirs, our_node) = (node("theirs"), node("ours"));
        let raw = std::thread::spawn(move || in_the_clear(raw, &theirs));
        let end = OurEnd::sealed(stream, ours, our_node, adapter);
        (raw.join().unwrap(), end)
    } else {
        (raw, OurEnd::over(stream, ours, adapter))
    };
    let (outcome, _) = try_row(version, row, raw, &mut end);
    assert_eq!(our_end(&end.closed().reason), outcome.end, "{row}");
    outcome
}

pub(crate) fn decode_cases_have_the_same_verdict(version: &Version) {
    let peer = version.run();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (theirs, ours) = settings(version);
    let rows = vectors(version.decode_cases);
    // Those of Amino are many, and most of them differ in one byte: every ninth of the mutations will do.
    let rows = rows.iter().filter(|row| row["limit"].is_null() || row["limit"] == 1047);
    let rows = rows.filter(|row| row["group"] != "mutation" || number(row, "n").is_multiple_of(9));
    let mut adapters = [Adapter::Blocking, Adapter::Tokio].into_iter().cycle();
    for row in rows {
        let go = go_outcome(version, &peer, &theirs, row);
        let adapter = adapters.next().unwrap();
        assert_eq!(our_outcome(version, &listener, ours.clone(), row, adapter), go, "{row}");
        if let Some(messages) = row["messages"].as_array() {
            let lens: Vec<_> = messages.iter().map(|message| number(message, "len")).collect();
            assert_eq!(go.messages.iter().map(|message| message.1).collect::<Vec<_>>(), lens, "{row}");
        }
    }
}

/// The limit on packets follows from the payload size, so both ends must have the same.
pub(crate) fn payload_sizes_that_differ(version: &Version) {
    let peer = version.run();
    let channel = [(1, 1)];
    let (mut larger, mut ours) = (go(&channel), version.ours(&channel));
    larger.payload = 1400;
    let (link, mut end) = connect(&peer, Dials::We, &larger, ours.clone(), Adapter::Blocking);
    link.send(1, 0, &[1000, 1400]);
    assert_eq!(end.recv().map(|message| message.1.len()), Some(1000));
    assert!(end.recv().is_none());
    let reason = end.closed().reason;
    let CloseReason::Decode { error, .. } = reason else { panic!("{reason}") };
    assert!(matches!(error.rule, DecodeRule::TooLarge { .. }), "{error}");

    ours.send_payload_size = 1400;
    let (link, end) = connect(&peer, Dials::We, &go(&channel), ours, Adapter::Blocking);
    end.send(1, vec![0; 1000]);
    assert!(matches!(link.next(), GoEvent::Message { len: 1000, .. }));
    end.send(1, vec![0; 1400]);
    let error = link.error();
    let words = if version.is_proto3() {
        "message exceeds max size (1410 > 1034)"
    } else {
        "maxSize is 1047 but this amino binary object is 1411 bytes"
    };
    assert!(error.contains(words), "{error}");
}

pub(crate) fn messages_over_the_capacity(version: &Version) {
    let peer = version.run();
    let (theirs, ours) = settings(version);
    let (link, mut end) = connect(&peer, Dials::Go, &theirs, ours, Adapter::Tokio);
    let full = [SMALL];
    exchange(&link, &mut end, &full, &full);
    link.send(SMALL.0, 0, &[SMALL.1 + 1]);
    assert!(end.recv().is_none());
    let reason = end.closed().reason;
    assert_eq!(reason, CloseReason::MessageTooLarge { channel: SMALL.0, needed: SMALL.1 + 1, capacity: SMALL.1 });

    let (theirs, ours) = settings(version);
    let (link, end) = connect(&peer, Dials::Go, &theirs, ours, Adapter::Blocking);
    end.send(SMALL.0, Bytes::from(vec![0; SMALL.1 + 1]));
    let error = link.error();
    assert!(error.contains("received message exceeds available capacity: 2048 < 2049"), "{error}");
}

pub(crate) fn an_unknown_channel(version: &Version) {
    let peer = version.run();
    let (one, two) = ([(1, 1)], [(1, 1), (0x9a, 1)]);
    let (link, mut end) = connect(&peer, Dials::We, &go(&two), version.ours(&one), Adapter::Blocking);
    link.send(0x9a, 0, &[10]);
    assert!(end.recv().is_none());
    assert_eq!(end.closed().reason, CloseReason::UnknownChannel { channel: 0x9a });

    let (link, mut raw) = connect_raw(&peer, Dials::We, &go(&one));
    raw.write_all(&[version.codec.message_header(0x9a, true, 10).as_slice(), b"0123456789"].concat()).unwrap();
    let error = link.error();
    assert!(error.to_lowercase().contains("unknown channel 9a"), "{error}");
}
