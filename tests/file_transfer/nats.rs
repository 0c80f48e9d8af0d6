//! Over the subjects of a real server.

use std::fs;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::example::{end, folder, run, start};
use crate::nats_server::Server;
use crate::programs::{Receiver, make, names};

/// A server, and the runtime with which it was started.
fn server() -> Option<(Runtime, Server)> {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(Server::start())?;
    Some((runtime, server))
}

#[test]
fn a_file_arrives_and_goes_on_after_the_sender_was_killed() {
    let Some((_runtime, server)) = server() else { return };
    let folder = folder("nats_file");
    let (file, bytes) = make(folder.join("file"), 60_000_000);
    let into = folder.join("into");
    fs::create_dir(&into).unwrap();
    let (url, file_name, into_name) = (server.url(), file.to_str().unwrap(), into.to_str().unwrap());
    let link = ["--nats", &url, "--subject", "test.files", "--timeout", "1s"];
    let receive = || Receiver::of(start("receive_file", &[&["--into", into_name], &link[..]].concat()));
    let send = || start("send_file", &[&[file_name], &link[..]].concat());

    let receiver = receive();
    assert_eq!(receiver.address, "test.files");
    let mut sender = send();
    let there = || fs::metadata(into.join("file.part")).map_or(0, |part| part.len());
    while there() < 100_000 {
        std::thread::sleep(Duration::from_millis(1));
    }
    sender.kill().unwrap();
    sender.wait().unwrap();
    let killed = receiver.end();
    assert_eq!(killed.code, Some(1), "{}", killed.stdout);
    assert!(killed.stderr.contains("nothing was heard from the peer"), "{}", killed.stderr);
    let there = there();
    assert!(there < bytes.len() as u64 && names(&into) == ["file.part", "file.part.state"]);

    let receiver = receive();
    let (sender, receiver) = (end(send()), receiver.end());
    assert_eq!((sender.code, receiver.code), (Some(0), Some(0)), "{} {}", sender.stderr, receiver.stderr);
    assert!(sender.stdout.contains(&format!("{there} were there")), "{}", sender.stdout);
    assert!(names(&into) == ["file"] && fs::read(into.join("file")).unwrap() == bytes);
}

#[test]
fn no_server_and_nobody_who_listens_are_errors() {
    let folder = folder("nats_nobody");
    let (file, _) = make(folder.join("file"), 10);
    let file = file.to_str().unwrap();
    let nothing = run("send_file", &[file, "--nats", "nats://127.0.0.1:9"]);
    assert_eq!(nothing.code, Some(1));
    assert!(nothing.stderr.contains("can not use nats://127.0.0.1:9: "), "{}", nothing.stderr);
    let both = run("send_file", &[file, "127.0.0.1:9", "--nats", "nats://127.0.0.1:9"]);
    assert_eq!(both.code, Some(2));
    let neither = run("send_file", &[file]);
    assert_eq!(neither.code, Some(2));
    let Some((_runtime, server)) = server() else { return };
    let nobody = run("send_file", &[file, "--nats", &server.url(), "--timeout", "400ms"]);
    assert_eq!(nobody.code, Some(1));
    assert!(nobody.stderr.contains("no answer to "), "{}", nobody.stderr);
}
