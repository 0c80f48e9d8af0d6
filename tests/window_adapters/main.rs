//! Sliding windows over sockets, brokers and memory: what every one of them must do, and what each does on its own.

#[cfg(feature = "udp-blocking")]
mod blocking;
mod cases;
#[cfg(feature = "legacy")]
mod legacy;
mod memory;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "nats")]
mod nats_server;
mod proxy;
mod turns;
mod udp;
