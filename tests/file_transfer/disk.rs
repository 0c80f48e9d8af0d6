//! A disk on which there is no room.

#![cfg(unix)]

use std::fs;
use std::process::{Command, Stdio};

use crate::example::{folder, program};
use crate::programs::{Receiver, make, names, send, transfer};

/// The system lets no file of the receiver grow beyond a limit: writing fails then as on a full disk.
#[test]
fn a_full_disk_is_told_to_both_sides_and_what_is_there_is_kept() {
    let folder = folder("disk_full");
    let (file, bytes) = make(folder.join("file"), 3_000_000);
    let into = folder.join("into");
    fs::create_dir(&into).unwrap();
    let mut limited = Command::new("bash");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 1000; exec \"$@\"", "limited"]);
    limited.arg(program("receive_file")).args(["--listen", "127.0.0.1:0", "--into"]).arg(&into);
    limited.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let receiver = Receiver::of(limited.spawn().unwrap());
    let sender = send(&file, &receiver.address, &[]);
    let receiver = receiver.end();
    assert_eq!((sender.code, receiver.code), (Some(1), Some(1)));
    let reason = format!("can not write {}: File too large", into.join("file.part").display());
    assert!(receiver.stderr.contains(&reason), "{}", receiver.stderr);
    assert!(receiver.stderr.contains("hint: make room"), "{}", receiver.stderr);
    assert!(sender.stderr.contains(&format!("the other side can not go on: {reason}")), "{}", sender.stderr);
    assert_eq!(names(&into), ["file.part", "file.part.state"]);
    assert_eq!(fs::metadata(into.join("file.part")).unwrap().len(), 1000 * 1024);

    let (sender, receiver) = transfer(&file, &into, &[]);
    assert_eq!((sender.code, receiver.code), (Some(0), Some(0)), "{} {}", sender.stderr, receiver.stderr);
    assert!(sender.stdout.contains("1024000 were there"), "{}", sender.stdout);
    assert!(names(&into) == ["file"] && fs::read(into.join("file")).unwrap() == bytes);
}
