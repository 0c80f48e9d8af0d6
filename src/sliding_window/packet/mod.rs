//! The native packet: bytes to packets and back, nothing else.
//!
//! Whole numbers stand with their lowest byte first; *varints* are those of QUIC (RFC 9000 section 16).
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | `0x50`, plus the kind (0 `Syn`, 1 `SynAck`, 2 `Retry`, 3 frames), plus `0x08` when there is a check |
//! | 8 | destination tag: chosen by the receiver, 0 in a `Syn`; on every packet |
//! | 4 | packet number (frames only): a new one for each transmission |
//! | 4 | check (always in the handshake): CRC32C over the whole datagram, these four bytes taken as zero |
//! | … | frames, or what [`Hello`] and [`Retry`] say |
//!
//! | frame | bytes |
//! | --- | --- |
//! | [`Ack`] | `01`, largest number (4), delay in µs, further ranges (at most 31), length of the first, then gap and length of each as in RFC 9000 section 19.3 |
//! | [`Credit`] | `02`, bytes, messages, segments, consumed messages; varints, absolute |
//! | [`Frame::Ping`] | `03` |
//! | [`Frame::Abort`] | `04`, code (varint), length of the text (1), text |
//! | [`Data`] | `05`, segment number (4), pieces to the end of the datagram |
//!
//! A [`Piece`] is a byte of [`PieceFlags`], the number of the fragment (varint; only in a fragment of an unordered message), the
//! length (varint; unless it goes to the end) and the bytes. A skipped piece has a length and no bytes.
//!
//! # A message in a packet
//!
//! What stands before the bytes of the message takes 23 bytes, and 19 without the check.
//!
//! ```
//! use mconn::sliding_window::packet::{Data, FramesPacket, Frame, Packet, Piece, PieceFlags, Writer, decode, seal};
//!
//! let piece = Piece { flags: PieceFlags::WHOLE, index: 0, payload: b"hello", skipped: 0 };
//! let mut buffer = [0; 1200];
//! let mut writer = Writer::new(&mut buffer);
//! FramesPacket::begin(&mut writer, 0x1122_3344_5566_7788, 9, true);
//! Data::begin(&mut writer, 7);
//! assert!(piece.write(&mut writer));
//! let len = writer.finish().unwrap();
//! seal(&mut buffer[..len]);
//! # buffer[13..17].fill(0); // The check is tested elsewhere; what is shown below has it in letters.
//! # let hex: Vec<String> = buffer[..len].iter().map(|byte| format!("{byte:02x}")).collect();
//! # let shown = "5b  88 77 66 55 44 33 22 11  09 00 00 00  CHECK  05 07 00 00 00  03  68 65 6c 6c 6f";
//! # assert_eq!(hex.join(" "), shown.replace("  ", " ").replace("CHECK", "00 00 00 00"));
//! # seal(&mut buffer[..len]);
//! assert_eq!(len, 23 + 5);
//! // 5b  88 77 66 55 44 33 22 11  09 00 00 00  CHECK  05 07 00 00 00  03  68 65 6c 6c 6f
//! // kind  destination tag        number       check        data, segment   whole  h  e  l  l  o
//!
//! let Ok(Packet::Frames(packet)) = decode(&buffer[..len]) else { panic!() };
//! assert_eq!((packet.destination, packet.number), (0x1122_3344_5566_7788, 9));
//! let Some(Ok(Frame::Data(data))) = packet.frames().next() else { panic!() };
//! assert_eq!((data.segment, data.iter().next()), (7, Some(Ok(piece))));
//! ```
//!
//! # Two messages, an acknowledgement and a credit, without a check
//!
//! ```
//! use mconn::sliding_window::packet::{Ack, Credit, Data, FramesPacket, Piece, PieceFlags, Writer};
//!
//! let mut buffer = [0; 1200];
//! let mut writer = Writer::new(&mut buffer);
//! FramesPacket::begin(&mut writer, 1, 0x0201, false);
//! // Packets 3 to 5 and 1 have come, the last of them 100 µs ago.
//! assert!(Ack::write(&mut writer, 5, 100, [3..=5, 1..=1]));
//! assert!(Credit { max_bytes: 65_536, max_messages: 40, max_segment: 64, consumed: 8 }.write(&mut writer));
//! Data::begin(&mut writer, 2);
//! let whole = PieceFlags::WHOLE;
//! Piece { flags: whole.with(PieceFlags::HAS_LENGTH), index: 0, payload: b"ab", skipped: 0 }.write(&mut writer);
//! Piece { flags: whole, index: 0, payload: b"c", skipped: 0 }.write(&mut writer);
//! let len = writer.finish().unwrap();
//! assert_eq!(
//!     buffer[..len],
//!     [
//!         0x53, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, // header
//!         1, 5, 0, 0, 0, 0x40, 100, 1, 2, 0, 0, // largest 5, 100 µs, one more range; 5 back to 3, gap 2, 1 alone
//!         2, 0x80, 1, 0, 0, 40, 0x40, 64, 8, // credit
//!         5, 2, 0, 0, 0, 0x23, 2, b'a', b'b', 3, b'c', // segment 2 of two whole messages
//!     ]
//! );
//! ```

mod check;
mod error;
mod frame;
mod handshake;
mod header;
mod piece;
mod varint;
mod writer;

pub use error::PacketError;
pub use frame::{
    Ack, AckRanges, Credit, DATA_HEADER_LEN, Data, Frame, Frames, MAX_ABORT_TEXT, MAX_ACK_RANGES, MAX_CREDIT_LEN,
};
pub use handshake::{Hello, Holes, MAX_COOKIE, MAX_HOLES, Resume, Retry};
pub use header::{FramesPacket, Packet, decode, destination, encode_retry, encode_syn, encode_syn_ack, seal};
pub use piece::{Piece, PieceFlags, Pieces};
pub use varint::{MAX_VARINT, varint_len};
pub use writer::Writer;

#[cfg(test)]
mod tests;
