//! The numbers that the original puts in place of a sequence number in packets that carry no data.

/// In a [`TcpEvent::Syn`](super::TcpEvent::Syn).
pub const SYN: i64 = -98;
/// In the answers: `SynAck`, `EstabAck`, `FinAck`, `DataAck`.
pub const ACK: i64 = -99;
/// In a [`TcpEvent::KeepAlive`](super::TcpEvent::KeepAlive).
pub const KEEP_ALIVE: i64 = -777;
/// In a [`TcpEvent::Fin`](super::TcpEvent::Fin).
pub const FIN: i64 = -888;
