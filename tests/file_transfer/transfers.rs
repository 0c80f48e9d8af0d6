//! Files that arrive.

use std::fs;

use crate::example::{folder, run};
use crate::file_transfer::protocol::MAX_DATA;
use crate::programs::{checksum, make, names, send, transfer};

#[test]
fn files_of_all_sizes_arrive_as_they_are() {
    let folder = folder("file_sizes");
    for size in [0, 1, 1000, MAX_DATA - 1, MAX_DATA, MAX_DATA + 1, 3 * MAX_DATA + 7, 2_000_000] {
        let into = folder.join(format!("into_{size}"));
        fs::create_dir(&into).unwrap();
        let (file, bytes) = make(folder.join(format!("file {size} é.bin")), size);
        let (sender, receiver) = transfer(&file, &into, &[]);
        assert_eq!((sender.code, receiver.code), (Some(0), Some(0)), "{} {}", sender.stderr, receiver.stderr);
        assert_eq!(names(&into), [format!("file {size} é.bin")]);
        assert!(fs::read(into.join(format!("file {size} é.bin"))).unwrap() == bytes, "{size}");
        let sum = format!("blake2b-512 {}\n", checksum(&bytes));
        assert!(sender.stdout.starts_with(&format!("sent file {size} é.bin: {size} bytes in ")), "{}", sender.stdout);
        assert!(receiver.stdout.starts_with(&format!("received file {size} é.bin: {size} bytes in ")));
        assert!(sender.stdout.ends_with(&sum) && receiver.stdout.ends_with(&sum), "{}", sender.stdout);
        assert_eq!((sender.stderr, receiver.stderr), (String::new(), String::new()));
    }
}

#[test]
fn datagrams_may_be_large() {
    let folder = folder("file_datagrams");
    let (file, bytes) = make(folder.join("file"), 3_000_000);
    let into = folder.join("into");
    fs::create_dir(&into).unwrap();
    let receiver = crate::programs::Receiver::start(&into, &["--datagram", "65000"]);
    let sender = send(&file, &receiver.address, &["--datagram", "65000"]);
    let receiver = receiver.end();
    assert_eq!((sender.code, receiver.code), (Some(0), Some(0)), "{} {}", sender.stderr, receiver.stderr);
    assert!(fs::read(into.join("file")).unwrap() == bytes);
}

#[test]
fn another_file_of_the_name_stays_unless_it_may_be_replaced() {
    let folder = folder("file_exists");
    let (file, bytes) = make(folder.join("file"), 50_000);
    let into = folder.join("into");
    fs::create_dir(&into).unwrap();
    fs::write(into.join("file"), "precious").unwrap();

    let (sender, receiver) = transfer(&file, &into, &[]);
    assert_eq!((sender.code, receiver.code), (Some(1), Some(1)));
    assert!(receiver.stderr.contains("exists already and is something else"), "{}", receiver.stderr);
    assert!(sender.stderr.contains("the other side can not go on: "), "{}", sender.stderr);
    assert!(sender.stderr.contains("exists already and is something else"), "{}", sender.stderr);
    assert_eq!((names(&into), fs::read(into.join("file")).unwrap()), (vec!["file".into()], b"precious".to_vec()));

    let (sender, receiver) = transfer(&file, &into, &["--overwrite"]);
    assert_eq!((sender.code, receiver.code), (Some(0), Some(0)), "{} {}", sender.stderr, receiver.stderr);
    assert!(names(&into) == ["file"] && fs::read(into.join("file")).unwrap() == bytes);

    // The receiver was perhaps killed when it had renamed the file and had not said so.
    let (sender, receiver) = transfer(&file, &into, &[]);
    assert_eq!((sender.code, receiver.code), (Some(0), Some(0)), "{} {}", sender.stderr, receiver.stderr);
    assert!(sender.stdout.contains("0 bytes in ") && sender.stdout.contains("50000 were there"), "{}", sender.stdout);
    assert!(names(&into) == ["file"] && fs::read(into.join("file")).unwrap() == bytes);
}

#[test]
fn a_folder_of_the_name_is_never_replaced() {
    let folder = folder("file_folder");
    let (file, _) = make(folder.join("file"), 100);
    let into = folder.join("into");
    fs::create_dir_all(into.join("file")).unwrap();
    let (sender, receiver) = transfer(&file, &into, &["--overwrite"]);
    assert_eq!((sender.code, receiver.code), (Some(1), Some(1)));
    assert!(into.join("file").is_dir() && names(&into) == ["file"]);
}

#[test]
fn wrong_paths_and_addresses_are_told_at_once() {
    let folder = folder("file_paths");
    let (file, _) = make(folder.join("file"), 10);
    for (path, message) in [
        (folder.join("nothing"), "can not read "),
        (folder.clone(), "is no file"),
        (folder.join("file/below"), "can not read "),
    ] {
        let end = send(&path, "127.0.0.1:9", &[]);
        assert_eq!((end.code, end.stdout.as_str()), (Some(1), ""));
        assert!(end.stderr.starts_with("error: ") && end.stderr.contains(message), "{}", end.stderr);
    }
    let end = send(&file, "no-port", &[]);
    assert_eq!(end.code, Some(1));
    assert!(end.stderr.contains("can not use no-port: "), "{}", end.stderr);

    let missing = folder.join("missing");
    for into in [missing.to_str().unwrap(), file.to_str().unwrap()] {
        let end = run("receive_file", &["--listen", "127.0.0.1:0", "--into", into]);
        assert_eq!((end.code, end.stdout.as_str()), (Some(1), ""));
        assert!(end.stderr.contains("can not use the folder"), "{}", end.stderr);
    }
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let end = run("receive_file", &["--listen", &address, "--into", folder.to_str().unwrap()]);
    assert_eq!(end.code, Some(1));
    assert!(end.stderr.contains("hint: another program listens there"), "{}", end.stderr);
}
