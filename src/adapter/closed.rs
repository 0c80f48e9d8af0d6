//! Why a connection has ended, as a driver knows it.

use std::io;
use std::sync::Arc;

use super::cause::Cause;
use crate::connection::{CloseReason, Fault};

/// Why a connection has ended: what the machine says, and the error of the transport when there was one.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{reason}{}", Cause(.io.as_deref()))]
#[non_exhaustive]
pub struct Closed {
    /// What the machine says.
    pub reason: CloseReason,
    /// The first error of the transport, if it had any. There is one with [`CloseReason::TransportFailed`].
    #[source]
    pub io: Option<Arc<io::Error>>,
}

impl Closed {
    pub(crate) fn new(reason: CloseReason, io: Option<io::Error>) -> Self {
        Self { reason, io: io.map(Arc::new) }
    }

    /// Who caused the end.
    #[must_use]
    pub fn fault(&self) -> Fault {
        #[cfg(feature = "peer")]
        if let Some(why) = self.io.as_deref().and_then(|io| io.get_ref()?.downcast_ref::<crate::peer::PeerClosed>()) {
            return why.fault();
        }
        self.reason.fault()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use std::error::Error;

    #[test]
    fn it_prints_what_the_transport_said_and_has_it_as_its_source() {
        let closed = Closed::new(CloseReason::Flushed, None);
        assert_eq!(closed.to_string(), CloseReason::Flushed.to_string());
        assert!(closed.source().is_none());
        assert_eq!(closed.fault(), Fault::Ours);

        let closed = Closed::new(CloseReason::TransportFailed, Some(io::ErrorKind::BrokenPipe.into()));
        assert_eq!(closed.to_string(), "the transport failed: broken pipe");
        assert_eq!(closed.source().unwrap().to_string(), "broken pipe");
        assert_eq!(closed.fault(), Fault::Network);
    }
}
