//! What `send_file` and `receive_file` share: the protocol between them, and what lies around it.
//!
//! # The protocol
//!
//! Messages of one session, in order; how each is written is told in [`protocol`].
//!
//! | sender | receiver |
//! | --- | --- |
//! | [`Offer`](protocol::Message::Offer): version, name, size, checksum of all | |
//! | | [`Have`](protocol::Message::Have): how much of it is there already, and the checksum of that |
//! | [`From`](protocol::Message::From): from which byte on it goes on: the end of what is there, or 0 when that is something else | |
//! | [`Data`](protocol::Message::Data), until the size is reached | |
//! | | [`Done`](protocol::Message::Done): the checksum is right, and the file lies on the disk under its name |
//!
//! Whoever can not go on says so with [`Failed`](protocol::Message::Failed) and ends the session.
//!
//! # Going on
//!
//! The receiver writes to `NAME.part`, and notes in `NAME.part.state` of which file that is a part: its size and checksum. When
//! either side was killed, both are started again with the same arguments. The part may end at any byte, and even be damaged: its
//! checksum decides whether it is kept.

// Each of the two programs leaves something unused.
#![allow(dead_code)]

pub(crate) mod arguments;
pub(crate) mod checksum;
pub(crate) mod conversation;
pub(crate) mod failure;
pub(crate) mod link;
pub(crate) mod name;
pub(crate) mod program;
pub(crate) mod progress;
pub(crate) mod protocol;
