//! A connection on two threads of the standard library, one that reads and one that writes.
//!
//! [`connect_tcp`] takes a `TcpStream`; [`connect`] takes any `Read` and `Write` and a function that ends them. Both give a
//! [`Connection`], which sends and closes and can be cloned, and [`Messages`], which iterates over what the peer sends.
//!
//! ```
//! use std::net::{TcpListener, TcpStream};
//!
//! use bytes::Bytes;
//! use mconn::adapter::blocking;
//! use mconn::connection::{ChannelConfig, CloseReason, Fault, MConnConfig};
//!
//! let config = MConnConfig::default().channel(ChannelConfig::new(0x20, 1));
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let (alice, _) = blocking::connect_tcp(TcpStream::connect(listener.local_addr()?)?, config.clone())?;
//! let (bob, messages) = blocking::connect_tcp(listener.accept()?.0, config)?;
//!
//! alice.send(0x20, Bytes::from("hello"))?;
//! alice.close_after_flush(None);
//! let received: Vec<_> = messages.collect(); // until the connection has ended
//! assert_eq!(received, [(0x20, Bytes::from("hello"))]);
//! assert_eq!(alice.join().reason, CloseReason::Flushed);
//! assert_eq!(bob.join().fault(), Fault::Network); // the peer has closed
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What happens when
//!
//! | | |
//! | --- | --- |
//! | a queue is full | [`Connection::send`] waits until half of it is free; several that wait are served in no set order |
//! | the reader sleeps | the inbox of the machine fills, then nothing is read from the peer, whose pings are answered all the same (`pong_while_paused`) |
//! | the socket takes nothing | queues fill, [`Connection::send`] waits, and the pong timeout ends the connection |
//! | the last handle is dropped | what was accepted is sent, for at most 10 s, then the connection closes |
//! | [`Messages`] is dropped | what comes is thrown away; the rest goes on |
//! | every [`Connection`] and [`Sender`] is dropped, but not [`Messages`] | messages go on arriving |
//! | a `Read` or `Write` of yours panics | the connection ends with [`CloseReason::TransportFailed`](crate::connection::CloseReason::TransportFailed) |
//! | the connection ends | both threads end without any further call; senders get their messages back at once; what was received can still be taken, then the iterator ends |
//!
//! [`Connection::join`] waits for the end and tells why it came.
//!
//! # What waits where
//!
//! In the inbox of the machine: `inbox_messages` and `inbox_bytes` of the configuration. [`Messages`] takes from there in
//! batches, of at most 256 messages, and no more after 256 KiB. The thread that reads has a buffer of 64 to 256 KiB, the one
//! that writes one of 4 to 256 KiB: what the transport takes in half a millisecond, so that no urgent message waits for more.

mod asleep;
mod connection;
mod messages;
mod read_buffer;
mod reader;
mod sender;
mod shared;
mod start;
mod state;
mod thread_end;
mod write_size;
mod writer;

pub use connection::Connection;
pub use messages::Messages;
pub use sender::Sender;
pub use start::{connect, connect_tcp};
