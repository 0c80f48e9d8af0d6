//! Either side goes away in the middle, and the transfer goes on later.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use crate::example::{end, folder, interrupt};
use crate::programs::{Fake, Receiver, make, names, send, start_sender, transfer};

const SIZE: usize = 8 << 20;
/// Small datagrams make it slow enough that a program can be killed in the middle.
const SLOW: [&str; 4] = ["--datagram", "256", "--timeout", "1s"];

struct Cut {
    file: PathBuf,
    bytes: Vec<u8>,
    into: PathBuf,
}

/// How many bytes there are of the file.
fn there(into: &Path) -> usize {
    fs::metadata(into.join("file.part")).map_or(0, |part| part.len() as usize)
}

impl Cut {
    fn new(name: &str) -> Self {
        let folder = folder(name);
        let (file, bytes) = make(folder.join("file"), SIZE);
        let into = folder.join("into");
        fs::create_dir(&into).unwrap();
        Self { file, bytes, into }
    }

    /// Starts both, and waits until some of the file is there.
    fn begin(&self) -> (Child, Receiver) {
        let receiver = Receiver::start(&self.into, &SLOW);
        let sender = start_sender(&self.file, &receiver.address, &SLOW);
        while there(&self.into) < 200_000 {
            std::thread::sleep(Duration::from_millis(1));
        }
        (sender, receiver)
    }

    /// Part of the file is there, and nothing under its name.
    fn check_part(&self) -> usize {
        let length = there(&self.into);
        assert!(length > 0 && length < SIZE, "{length}");
        assert_eq!(names(&self.into), ["file.part", "file.part.state"]);
        assert!(fs::read(self.into.join("file.part")).unwrap() == self.bytes[..length]);
        length
    }

    /// Goes on, and gives what the sender has printed.
    fn go_on(&self) -> String {
        let (sender, receiver) = transfer(&self.file, &self.into, &[]);
        assert_eq!((sender.code, receiver.code), (Some(0), Some(0)), "{} {}", sender.stderr, receiver.stderr);
        assert_eq!(names(&self.into), ["file"]);
        assert!(fs::read(self.into.join("file")).unwrap() == self.bytes);
        sender.stdout
    }
}

#[test]
fn when_the_sender_was_killed_it_goes_on_where_it_stood() {
    let cut = Cut::new("cut_sender");
    let (mut sender, receiver) = cut.begin();
    sender.kill().unwrap();
    sender.wait().unwrap();
    let receiver = receiver.end();
    assert_eq!(receiver.code, Some(1));
    assert!(receiver.stderr.contains("nothing was heard from the peer for 1s"), "{}", receiver.stderr);
    assert!(receiver.stderr.contains("hint: start both sides again"), "{}", receiver.stderr);
    let length = cut.check_part();
    let sent = cut.go_on();
    assert!(sent.contains(&format!("sent file: {} bytes in ", SIZE - length)), "{sent}");
    assert!(sent.contains(&format!("{length} were there")), "{sent}");
}

#[test]
fn when_the_receiver_was_killed_it_goes_on_where_it_stood() {
    let cut = Cut::new("cut_receiver");
    let (sender, mut receiver) = cut.begin();
    receiver.child.kill().unwrap();
    receiver.child.wait().unwrap();
    let sender = end(sender);
    assert_eq!((sender.code, sender.stdout.as_str()), (Some(1), ""));
    assert!(sender.stderr.contains("the session ended before the file was complete: "), "{}", sender.stderr);
    let length = cut.check_part();
    let sent = cut.go_on();
    assert!(sent.contains(&format!("{length} were there")), "{sent}");
}

#[test]
fn a_damaged_part_is_sent_once_more() {
    let cut = Cut::new("cut_damaged");
    let mut part = cut.bytes[..1_000_000].to_vec();
    let receiver = Receiver::start(&cut.into, &["--timeout", "300ms"]);
    let fake = Fake::call(&receiver.address);
    fake.send_some("file", &cut.bytes, part.len());
    fake.vanish();
    assert_eq!(receiver.end().code, Some(1));
    assert_eq!(cut.check_part(), part.len());
    part[500_000] ^= 1;
    fs::write(cut.into.join("file.part"), part).unwrap();
    let sent = cut.go_on();
    assert!(sent.contains(&format!("sent file: {SIZE} bytes in ")) && !sent.contains("were there"), "{sent}");
}

#[test]
fn a_part_that_is_longer_than_the_file_is_cut() {
    let cut = Cut::new("cut_long");
    let receiver = Receiver::start(&cut.into, &["--timeout", "300ms"]);
    let fake = Fake::call(&receiver.address);
    fake.send_some("file", &cut.bytes, 1000);
    fake.vanish();
    assert_eq!(receiver.end().code, Some(1));
    fs::write(cut.into.join("file.part"), [&cut.bytes[..], b"and more"].concat()).unwrap();
    let sent = cut.go_on();
    assert!(sent.contains("sent file: 0 bytes in ") && sent.contains(&format!("{SIZE} were there")), "{sent}");
}

#[test]
fn a_part_of_another_file_is_not_used() {
    let cut = Cut::new("cut_other");
    let receiver = Receiver::start(&cut.into, &["--timeout", "300ms"]);
    let fake = Fake::call(&receiver.address);
    // It has the name and begins like the file, but goes on otherwise.
    fake.send_some("file", &cut.bytes[..SIZE - 1], 1000);
    fake.vanish();
    assert_eq!(receiver.end().code, Some(1));
    let sent = cut.go_on();
    assert!(sent.contains(&format!("sent file: {SIZE} bytes in ")) && !sent.contains("were there"), "{sent}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_both_sides_and_keeps_what_is_there() {
    for (name, sender_first) in [("cut_interrupt_sender", true), ("cut_interrupt_receiver", false)] {
        let cut = Cut::new(name);
        let (sender, receiver) = cut.begin();
        let pressed = if sender_first { &sender } else { &receiver.child };
        interrupt(pressed);
        let (sender, receiver) = (end(sender), receiver.end());
        let (pressed, other) = if sender_first { (&sender, &receiver) } else { (&receiver, &sender) };
        assert_eq!((pressed.code, other.code), (Some(130), Some(1)), "{} {}", pressed.stderr, other.stderr);
        assert_eq!(pressed.stderr, "error: interrupted; start again to go on\n");
        assert_eq!(other.stderr, "error: the other side can not go on: it was interrupted\n");
        let length = cut.check_part();
        assert!(cut.go_on().contains(&format!("{length} were there")));
    }
}

#[test]
fn nobody_who_listens_is_an_error_after_the_timeout() {
    let cut = Cut::new("cut_nobody");
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let end = send(&cut.file, &address, &["--timeout", "400ms"]);
    assert_eq!((end.code, end.stdout.as_str()), (Some(1), ""));
    assert!(end.stderr.contains("no answer to "), "{}", end.stderr);
    assert!(end.stderr.contains("hint: is receive_file running"), "{}", end.stderr);
}
