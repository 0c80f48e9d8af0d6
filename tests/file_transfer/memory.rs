//! The memory of both programs does not depend on the size of the file.

#![cfg(target_os = "linux")]

use std::fs;
use std::process::Child;
use std::thread;
use std::time::Duration;

use crate::example::folder;
use crate::programs::{Receiver, make, start_sender};

/// Larger than what either program may hold.
const SIZE: usize = if cfg!(debug_assertions) { 48 << 20 } else { 64 << 20 };
/// The most memory, in KiB: 4 MiB of the session, and the rest of the program.
const MOST: u64 = 24 << 10;

/// The most memory that a process has had, in KiB; 0 when it has ended.
fn peak(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or(0, |line| line.trim().trim_end_matches(" kB").parse().unwrap())
}

fn watch(child: &mut Child) -> u64 {
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(peak(child.id()));
        thread::sleep(Duration::from_millis(2));
    }
    most
}

#[test]
fn a_large_file_passes_through_little_memory() {
    let folder = folder("file_memory");
    let (file, bytes) = make(folder.join("file"), SIZE);
    let into = folder.join("into");
    fs::create_dir(&into).unwrap();
    let mut receiver = Receiver::start(&into, &[]);
    let mut sender = start_sender(&file, &receiver.address, &[]);
    let (sent, received) = thread::scope(|scope| {
        let received = scope.spawn(|| watch(&mut receiver.child));
        (watch(&mut sender), received.join().unwrap())
    });
    assert!(sender.wait().unwrap().success() && receiver.end().code == Some(0));
    assert!(fs::read(into.join("file")).unwrap() == bytes);
    println!("most memory of the sender {sent} KiB, of the receiver {received} KiB");
    assert!(sent > 1000 && received > 1000, "not measured");
    assert!(sent <= MOST && received <= MOST, "{sent} KiB, {received} KiB");
    _ = fs::remove_dir_all(folder);
}
