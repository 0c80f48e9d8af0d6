//! The example `two_peers` as a program: what it prints and how it ends.
#![cfg(all(feature = "tokio", feature = "blocking"))]

#[path = "support/example.rs"]
mod example;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Child;

use example::{End, end};
use mconn::adapter::blocking;
use mconn::connection::{ChannelConfig, CloseReason, MConnConfig};
use sha2::{Digest, Sha256};

fn start(arguments: &[&str]) -> Child {
    example::start("two_peers", arguments)
}

fn run(arguments: &[&str]) -> End {
    example::run("two_peers", arguments)
}

/// A listener, and the address on which it waits.
fn listener(arguments: &[&str]) -> (Child, String) {
    let mut child = start(&[&["--listen", "127.0.0.1:0"], arguments].concat());
    // Byte by byte, so that the rest stays for `end`.
    let mut line = String::new();
    BufReader::with_capacity(1, child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("waiting for a peer on ").unwrap().to_owned();
    (child, address)
}

/// Checks that a run was good, and gives the checksum of what was exchanged.
fn checksum(end: &End) -> String {
    assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""), "{}", end.stdout);
    for words in ["0x22 urgent", "0x40 file", "p50", "p99", "share", "priority"] {
        assert!(end.stdout.contains(words), "{words} in {}", end.stdout);
    }
    let after = |words: &str| {
        let line = end.stdout.lines().find_map(|line| line.strip_prefix(words)).unwrap();
        line.split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!(after("sha256 sent"), after("sha256 received"));
    assert!(end.stdout.contains("the same"));
    after("sha256 sent")
}

/// Checks that a run has failed, with these words.
fn assert_failed(end: &End, words: &[&str]) {
    assert_eq!((end.code, end.stdout.as_str()), (Some(1), ""), "{}", end.stderr);
    for words in words {
        assert!(end.stderr.contains(words), "{words} in {}", end.stderr);
    }
    assert!(!end.stderr.contains("panicked"), "{}", end.stderr);
}

/// A file that is there for as long as this is.
struct TestFile(PathBuf);

impl TestFile {
    fn new(name: &str, content: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("mconn-{}-{name}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.0);
    }
}

const ADAPTERS: [&[&str]; 2] = [&[], &["--blocking"]];

#[test]
fn both_peers_in_one_process_exchange_the_same_bytes_on_every_wire() {
    let mut checksums = Vec::new();
    for adapter in ADAPTERS {
        for wire in ["proto3", "amino", "gowire"] {
            let arguments = [adapter, &["--size", "1000000", "--wire", wire]].concat();
            checksums.push(checksum(&run(&arguments)));
        }
    }
    assert!(checksums.iter().all(|checksum| *checksum == checksums[0]), "{checksums:?}");
}

#[test]
fn a_file_arrives_as_it_is() {
    let mut content = vec![0; 200_000];
    content.iter_mut().enumerate().for_each(|(position, byte)| *byte = (position / 7) as u8);
    // Also of no length, and of as many bytes as fit into whole messages.
    for len in [0, 1, 2 * (65_536 - 9), 200_000] {
        let file = TestFile::new(&format!("file-{len}"), &content[..len]);
        let sent = checksum(&run(&[file.path(), "--send-rate", "unlimited"]));
        assert_eq!(sent, hex::encode(Sha256::digest(&content[..len])));
    }
}

#[test]
fn two_processes_exchange_a_file_with_either_adapter() {
    let file = TestFile::new("two-processes", &[7; 300_000]);
    for (listening, dialling) in [(ADAPTERS[0], ADAPTERS[1]), (ADAPTERS[1], ADAPTERS[0])] {
        let (child, address) = listener(listening);
        let dialler = run(&[dialling, &["--dial", &address, file.path()]].concat());
        assert_eq!(checksum(&dialler), checksum(&end(child)));
    }
}

#[test]
fn a_file_that_can_not_be_read_is_named() {
    for adapter in ADAPTERS {
        let missing = "/no/such/file";
        assert_failed(&run(&[adapter, &[missing]].concat()), &["can not read", missing]);
        assert_failed(&run(&[adapter, &[env!("CARGO_MANIFEST_DIR")]].concat()), &["directory"]);
    }
}

#[test]
fn a_port_in_use_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for adapter in ADAPTERS {
        let end = run(&[adapter, &["--listen", &address]].concat());
        assert_failed(&end, &["can not listen on", &address, "in use", "choose another port"]);
    }
}

#[test]
fn a_place_where_nobody_listens_is_told() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for adapter in ADAPTERS {
        let end = run(&[adapter, &["--dial", &address]].concat());
        assert_failed(&end, &["can not connect to", &address]);
    }
}

#[test]
fn a_peer_that_speaks_garbage_is_told() {
    let garbage = [0xff; 300];
    for adapter in ADAPTERS {
        let (child, address) = listener(adapter);
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(&garbage).unwrap();
        assert_failed(&end(child), &["no packet at byte 0", "another wire format"]);

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let child = start(&[adapter, &["--dial", &listener.local_addr().unwrap().to_string()]].concat());
        let mut stream = listener.accept().unwrap().0;
        stream.write_all(&garbage).unwrap();
        assert_failed(&end(child), &["no packet at byte 0", "another wire format"]);
    }
}

#[test]
fn a_peer_that_says_nothing_is_told() {
    for adapter in ADAPTERS {
        let (child, address) = listener(adapter);
        let stream = TcpStream::connect(address).unwrap();
        assert_failed(&end(child), &["no sign of life"]);
        drop(stream);
    }
}

#[test]
fn a_peer_that_leaves_is_told() {
    for adapter in ADAPTERS {
        let (child, address) = listener(adapter);
        drop(TcpStream::connect(address).unwrap());
        assert_failed(&end(child), &["closed by the peer"]);
    }
}

#[test]
fn a_peer_of_another_era_is_told() {
    let wires = ["proto3", "amino", "gowire"];
    for (number, listening) in wires.into_iter().enumerate() {
        let adapter = ADAPTERS[number % 2];
        for dialling in wires.into_iter().filter(|dialling| *dialling != listening) {
            let (child, address) = listener(&[adapter, &["--wire", listening]].concat());
            let dialler = run(&[adapter, &["--wire", dialling, "--dial", &address]].concat());
            assert_failed(&dialler, &["another wire format"]);
            assert_failed(&end(child), &["no packet at byte 0", "another wire format"]);
        }
    }
}

#[test]
fn an_argument_that_makes_no_sense_is_told() {
    for arguments in [
        &["--send-rate", "0"][..],
        &["--send-rate", "fast"],
        &["--wire", "morse"],
        &["--listen", "127.0.0.1:0", "--dial", "127.0.0.1:1"],
        &["--listen", "127.0.0.1:0", "a file"],
    ] {
        let end = run(arguments);
        assert_eq!((end.code, end.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(end.stderr.starts_with("error: "), "{}", end.stderr);
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_closes_after_flush() {
    let config = || MConnConfig::default().channels([ChannelConfig::new(0x40, 1), ChannelConfig::new(0x22, 10)]);
    for adapter in ADAPTERS {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut child = start(&[adapter, &["--send-rate", "1000000", "--dial", &address]].concat());
        let (connection, mut messages) = blocking::connect_tcp(listener.accept().unwrap().0, config()).unwrap();
        // Once messages of the file come, ctrl-c is waited for.
        messages.by_ref().filter(|(channel, _)| *channel == 0x40).nth(2).unwrap();
        example::interrupt(&child);
        // All that was accepted arrives: the stream ends with the end of a message.
        let rest: Vec<_> = messages.filter(|(channel, _)| *channel == 0x40).collect();
        assert!(!rest.is_empty() && rest.iter().all(|(_, message)| message.len() == 65_536));
        assert_eq!(connection.join().reason, CloseReason::PeerClosed { unread_bytes: 0, partial_messages: 0 });
        let mut stderr = String::new();
        child.stderr.as_mut().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((end(child).code, stderr.trim()), (Some(130), "interrupted: closed after flush"));
    }
}
