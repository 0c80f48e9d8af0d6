//! What is wrong is told, and the program fails: the same for all who dial.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};

use mconn::peer::PeerAddress;

use super::example::run;
use super::{Net, nobody};

const PROGRAMS: [&str; 2] = ["dial_cometbft", "crawl"];

/// Checks that a run fails with these words.
fn assert_fails(program: &'static str, arguments: &[&str], words: &[&str]) {
    let end = run(program, arguments);
    assert_eq!((end.code, end.stdout.as_str()), (Some(1), ""), "{program} {arguments:?}: {}", end.stderr);
    assert!(end.stderr.starts_with("error: can not dial "), "{}", end.stderr);
    for words in words {
        assert!(end.stderr.contains(words), "{program}: {words} in {}", end.stderr);
    }
    assert!(!end.stderr.contains("panicked"), "{}", end.stderr);
}

#[test]
fn another_node_than_the_dialled_one() {
    let net = Net::new();
    let (_node, address) = net.node(1, None);
    let wrong = PeerAddress { id: nobody(2).id, at: address.at.clone() };
    for program in PROGRAMS {
        let (expected, found) = (wrong.id.to_string(), address.id.to_string());
        assert_fails(program, &[&wrong.to_string()], &["expected the node", &expected, &found, "hint: "]);
    }
}

#[test]
fn another_network() {
    let net = Net::new();
    let (_node, address) = net.node(1, None);
    for program in PROGRAMS {
        let words = ["its network is \"test-chain\", ours \"other\"", "without --network"];
        assert_fails(program, &[&address.to_string(), "--network", "other"], &words);
    }
}

#[test]
fn nobody_there() {
    for program in PROGRAMS {
        let address = nobody(1).to_string();
        assert_fails(program, &[&address], &[&address, "refused", "nothing listens there"]);
        let name = format!("{}@no-such-host.invalid:26656", nobody(1).id);
        assert_fails(program, &[&name], &["no connection"]);
    }
}

/// A server that reads something, answers, and closes.
fn server(answer: &'static [u8]) -> PeerAddress {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = PeerAddress { id: nobody(1).id, at: listener.local_addr().unwrap().into() };
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1000]);
            let _ = stream.write_all(answer);
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.read(&mut [0; 1000]);
        }
    });
    address
}

#[test]
fn somebody_who_is_no_node() {
    let http = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n400 Bad Request: not HTTP";
    let ssh = b"SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13.5 and so on, to be longer than a first message can be\r\n";
    for program in PROGRAMS {
        for answer in [&http[..], ssh, &[0; 100]] {
            let address = server(answer).to_string();
            assert_fails(program, &[&address], &["secret connection: ", "this is no CometBFT node"]);
        }
        assert_fails(program, &[&server(b"").to_string()], &["closed by the peer", "it does not want us"]);
    }
}

#[test]
fn somebody_who_says_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = PeerAddress { id: nobody(1).id, at: listener.local_addr().unwrap().into() };
    for program in PROGRAMS {
        let words = ["it took longer than 200ms", "waiting for the secret connection", "says nothing"];
        assert_fails(program, &[&silent.to_string(), "--timeout", "0.2"], &words);
    }
}

#[test]
fn what_is_no_address_and_other_arguments_that_make_no_sense() {
    let id = nobody(1).id;
    let good = format!("{id}@127.0.0.1:1");
    for program in PROGRAMS {
        for (address, words) in [
            ("127.0.0.1:26656".to_owned(), "no node id"),
            ("abc@127.0.0.1:26656".into(), "40 hex digits"),
            (format!("{id}@127.0.0.1"), "no port"),
            (format!("{id}@127.0.0.1:65536"), "is no port"),
            (format!("{id}@:1"), "no host"),
            (format!("{id}@127.0.0.256:1"), "neither an IP address nor a host name"),
            (String::new(), "no port"),
        ] {
            let end = run(program, &[&address]);
            assert_eq!((end.code, end.stdout.as_str()), (Some(2), ""), "{address}");
            assert!(end.stderr.starts_with("error: invalid value") && end.stderr.contains(words), "{}", end.stderr);
        }
        for arguments in [&[][..], &[&good, "--for", "ever"], &[&good, "--timeout", "-1"], &[&good, &good]] {
            let end = run(program, arguments);
            assert_eq!((end.code, end.stdout.as_str()), (Some(2), ""), "{arguments:?}");
            assert!(end.stderr.starts_with("error: "), "{}", end.stderr);
        }
    }
    assert_eq!(run("crawl", &[&good, "--concurrency", "0"]).code, Some(2));
}

#[test]
fn files_that_can_not_be_read_or_written() {
    let net = Net::new();
    let (_node, address) = net.node(1, None);
    let (address, missing) = (address.to_string(), "/no/such/file");
    let end = run("dial_cometbft", &[&address, "--node-key", missing]);
    assert_eq!(end.code, Some(1));
    assert!(end.stderr.contains("can not take the key of /no/such/file: "), "{}", end.stderr);
    let end = run("dial_cometbft", &[&address, "--node-key", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]);
    assert_eq!(end.code, Some(1));
    assert!(end.stderr.contains("not the JSON of a node key"), "{}", end.stderr);
    let end = run("crawl", &[&address, "--json", missing]);
    assert_eq!(end.code, Some(1));
    assert!(end.stderr.contains("can not write /no/such/file: "), "{}", end.stderr);
}
