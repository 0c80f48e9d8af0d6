//! The examples `send_file` and `receive_file` as programs: what they leave on the disk, what they print, and how they end.

#[path = "../support/example.rs"]
mod example;
#[path = "../../examples/file_transfer/mod.rs"]
mod file_transfer;

mod cuts;
mod disk;
mod memory;
mod peers;
mod programs;
mod protocol;
mod transfers;
