//! Tendermint/CometBFT's MConnection as a pure, sans-IO state machine.
//!
//! A blockchain node of that family talks to each peer over one byte stream. Up to 256 *channels*, each with a priority,
//! share it: messages are cut into packets, the packets of the channels interleave by priority, pings and pongs watch the
//! peer, rates are limited both ways. [`connection::MConnState`] is that protocol as a state machine: inbound bytes and the
//! time in, messages and outbound bytes out.
//!
//! It is **not** a socket, a runtime or a node. Nothing in the core reads a clock, opens a connection, starts a thread or
//! draws a random number, and nothing of it can panic on what a peer sends. That is what lets you fuzz it byte by byte, run
//! thousands of connections in one thread in virtual time, replay a run from a seed, and wrap it with any runtime.
//!
//! # Two ends, no I/O
//!
//! ```
#![doc = include_str!("../examples/hello_pair.rs")]
//! ```
//!
//! # The loop that drives a machine
//!
//! Every driver is this loop; the adapters are it too, with a socket in place of `Transport`. Three things matter, and all
//! are visible here: events are taken before anything else; what is left in the buffer is fed again *before* waiting; and
//! output is made only when the transport can take it, because that is when the machine decides what goes first.
//!
//! ```
//! use bytes::{Bytes, BytesMut};
//! use mconn::connection::{Event, Input, StreamMachine};
//! use mconn::time::Instant;
//!
//! /// What a driver needs of its surroundings. Neither `write` nor `read` blocks.
//! trait Transport {
//!     /// Sleeps until bytes can be read (or written, if any wait), or until the deadline. Gives the time.
//!     fn wait(&mut self, deadline: Option<Instant>) -> Instant;
//!     /// Takes bytes from the front of `bytes`; `false` when the transport has failed.
//!     fn write(&mut self, bytes: &mut BytesMut) -> bool;
//!     /// Appends at most `max` bytes to `buffer`; `false` when no more can come.
//!     fn read(&mut self, buffer: &mut BytesMut, max: usize) -> bool;
//! }
//!
//! /// Drives a connection to its end, be it plain or sealed, and tells why it has ended.
//! fn drive<M: StreamMachine>(
//!     machine: &mut M,
//!     transport: &mut impl Transport,
//!     mut deliver: impl FnMut(u8, Bytes),
//! ) -> M::Ending {
//!     let (mut inbound, mut outbound) = (BytesMut::new(), BytesMut::new());
//!     let (mut now, mut end) = (transport.wait(Some(Instant::ZERO)), false);
//!     loop {
//!         // Feed what is in the buffer, then take all events: that makes room to feed the rest.
//!         let before = inbound.len();
//!         machine.handle(now, Input::Received { buf: &mut inbound, end });
//!         let mut progress = inbound.len() < before;
//!         while let Some(event) = machine.poll_event() {
//!             progress = true;
//!             match event {
//!                 Event::Message { channel, payload } => deliver(channel, payload),
//!                 Event::Closed(reason) => {
//!                     // After a flush the last bytes still have to leave; after any other reason they do not.
//!                     while M::is_flushed(&reason) && !outbound.is_empty() && transport.write(&mut outbound) {
//!                         transport.wait(None);
//!                     }
//!                     return reason;
//!                 }
//!                 _ => {}
//!             }
//!         }
//!         // Make output when the last has left: only then the machine decides what goes first.
//!         if outbound.is_empty() {
//!             progress |= machine.transmit_into(now, &mut outbound, 65_536) > 0;
//!         }
//!         if !outbound.is_empty() && !transport.write(&mut outbound) {
//!             machine.handle(now, Input::TransportFailed);
//!             progress = true;
//!         }
//!         // Sleep only when nothing moved, then read no more than the machine wants.
//!         let deadline = machine.poll_timeout().map(|(deadline, _why)| deadline);
//!         now = transport.wait(if progress { Some(now) } else { deadline });
//!         machine.handle_timeout(now);
//!         let budget = machine.recv_budget(now).saturating_sub(inbound.len()).min(65_536);
//!         if budget > 0 && !end {
//!             end = !transport.read(&mut inbound, budget);
//!         }
//!     }
//! }
//! # // Proof that it runs: all that the peer ever sent waits already, the peer has closed its side, and the inbox is tiny.
//! # use mconn::connection::{ChannelConfig, Fault, MConnConfig, MConnState};
//! # struct Recorded(BytesMut);
//! # impl Transport for Recorded {
//! #     fn wait(&mut self, deadline: Option<Instant>) -> Instant { deadline.expect("something to wait for") }
//! #     fn write(&mut self, bytes: &mut BytesMut) -> bool { bytes.clear(); true }
//! #     fn read(&mut self, buffer: &mut BytesMut, max: usize) -> bool {
//! #         buffer.unsplit(self.0.split_to(max.min(self.0.len())));
//! #         !self.0.is_empty()
//! #     }
//! # }
//! # let mut config = MConnConfig::default().channel(ChannelConfig::new(1, 1).send_queue_capacity(1000));
//! # config.inbox_messages = 2;
//! # let mut peer = MConnState::new(config.clone(), Instant::ZERO).unwrap();
//! # for number in 0..1000_u32 { peer.try_send(1, number.to_be_bytes().to_vec().into()).unwrap(); }
//! # let mut wire = BytesMut::new();
//! # peer.transmit_into(Instant::ZERO, &mut wire, usize::MAX);
//! # let mut machine = MConnState::new(config, Instant::ZERO).unwrap();
//! # let mut received = 0;
//! # let reason = drive(&mut machine, &mut Recorded(wire), |_, payload| {
//! #     assert_eq!(payload, u32::to_be_bytes(received).as_slice());
//! #     received += 1;
//! # });
//! # assert_eq!((received, reason.fault()), (1000, Fault::Network));
//! ```
//!
//! # The floors
//!
//! | module | what it is |
//! | --- | --- |
//! | [`time`], [`timer`], [`machine`] | time as a number, named deadlines, the pattern |
//! | [`wire`] | packets to bytes and back, in three eras |
//! | [`rate`] | rate limits as a policy |
//! | [`connection`] | the machine for byte streams: MConnection |
//! | [`sliding_window`] | the machine for datagrams |
#![cfg_attr(
    feature = "secret",
    doc = "| [`secret`] | CometBFT's SecretConnection: the handshake as a machine, frames |"
)]
#![cfg_attr(
    feature = "peer",
    doc = "| [`peer`] | NodeInfo, the upgrade of a stream, and the peer that comes of it: a sealed machine |"
)]
#![cfg_attr(feature = "sim", doc = "| [`sim`] | seeded links, pairs and worlds in virtual time |")]
#![cfg_attr(
    any(feature = "tokio", feature = "blocking", feature = "memory", feature = "udp-blocking"),
    doc = "| [`adapter`] | drivers for tokio and for plain threads |"
)]
//!
//! # Features
//!
//! | feature | default | what it adds |
//! | --- | --- | --- |
//! | `std` | yes | the standard library; without it the crate is `no_std` and needs `alloc` |
//! | `tokio` | no | `adapter::tokio`: a driver future over any `AsyncRead + AsyncWrite`; with `peer` also a switch over TCP |
//! | `blocking` | no | `adapter::blocking`: two threads over `std::net::TcpStream` |
//! | `udp` | no | `adapter::udp`: sliding windows over a UDP socket, on tokio |
//! | `udp-blocking` | no | `adapter::udp::blocking`: the same on a thread |
//! | `nats` | no | `adapter::nats`: sliding windows over two subjects of a NATS server |
//! | `memory` | no | `adapter::memory`: sliding windows joined in a process |
//! | `secret` | no | `secret`: CometBFT's SecretConnection; pure Rust, `no_std` |
//! | `ring` | no | `secret` with ring's ChaCha20-Poly1305, about four times as fast; needs a C compiler |
//! | `peer` | no | `peer`: a node's key, addresses, NodeInfo, and sealed connections to CometBFT nodes; `no_std` |
//! | `legacy` | no | `sliding_window::legacy`: the BLAKE2b-512 of go-sliding-window, and sessions with it; `no_std` |
//! | `sim` | no | `sim`: machines over seeded links, of bytes and of datagrams, in virtual time |

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::unreachable,
        clippy::todo,
        clippy::unimplemented
    )
)]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

#[cfg(any(feature = "tokio", feature = "blocking", feature = "memory", feature = "udp-blocking"))]
pub mod adapter;
pub mod connection;
pub mod machine;
#[cfg(feature = "peer")]
pub mod peer;
mod random;
pub mod rate;
#[cfg(feature = "secret")]
pub mod secret;
#[cfg(feature = "sim")]
pub mod sim;
pub mod sliding_window;
pub mod time;
pub mod timer;
pub mod wire;
