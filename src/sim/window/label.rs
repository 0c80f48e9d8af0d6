//! Names for datagrams.

use crate::sim::datagram::Label;
use crate::sliding_window::packet::{Frame, Packet, decode};

/// Tells what a datagram of a session is, for traces and rules: the most important thing in it, with its number.
#[must_use]
pub fn window_label(datagram: &[u8]) -> Option<Label> {
    let packet = match decode(datagram).ok()? {
        Packet::Syn(_) => return Some(Label::new("syn", 0)),
        Packet::SynAck { .. } => return Some(Label::new("synack", 0)),
        Packet::Retry { .. } => return Some(Label::new("retry", 0)),
        Packet::Frames(packet) => packet,
    };
    let mut label = Label::new("ack", u64::from(packet.number));
    for frame in packet.frames() {
        match frame {
            Ok(Frame::Data(data)) => return Some(Label::new("data", u64::from(data.segment))),
            Ok(Frame::Abort { code, .. }) => return Some(Label::new("abort", code)),
            Ok(Frame::Credit(credit)) => label = Label::new("credit", credit.max_segment),
            Ok(Frame::Ping) if label.kind != "credit" => label.kind = "ping",
            Err(_) => return Some(Label::new("broken", u64::from(packet.number))),
            _ => {}
        }
    }
    Some(label)
}
