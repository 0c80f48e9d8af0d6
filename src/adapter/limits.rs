//! Limits of the drivers of connections.

use core::time::Duration;

/// How long Go's `Send` waits for room in the queue of a channel: 10 s.
///
/// Source: `defaultSendTimeout` in `p2p/conn/connection.go @ v0.38`.
pub const DEFAULT_SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// The size of a batch of output at first, in bytes. It grows while the transport takes whole batches at once.
pub(crate) const FIRST_WRITE: usize = 16 << 10;

/// The least size of a batch of output, in bytes, unless one packet is larger.
pub(crate) const LEAST_WRITE: usize = 4 << 10;

/// The largest size of a batch of output, in bytes, unless one packet is larger. More would not make writing cheaper.
pub(crate) const LARGEST_WRITE: usize = 256 << 10;

/// After the last byte of a connection that was closed after flush: how long to wait for the peer to close its side too.
///
/// A TCP socket that is closed while bytes of the peer wait unread answers with a reset, and a reset can destroy what the
/// peer has not read yet. So the driver goes on reading, and throws away what comes, until the peer's side ends too.
pub(crate) const LINGER: Duration = Duration::from_secs(1);
