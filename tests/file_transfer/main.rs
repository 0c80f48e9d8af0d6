//! The examples `send_file` and `receive_file` as programs: what they leave on the disk, what they print, and how they end.

#[path = "../support/example.rs"]
mod example;
#[path = "../../examples/file_transfer/mod.rs"]
mod file_transfer;

mod cuts;
mod disk;
mod memory;
mod nats;
#[allow(dead_code, reason = "other tests use more of it")]
#[path = "../window_adapters/nats_server.rs"]
mod nats_server;
mod peers;
mod programs;
mod protocol;
mod transfers;
