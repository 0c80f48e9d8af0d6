//! Sliding windows over UDP without a runtime: one thread per socket.
