//! Senders that do not behave: whatever they say, no file comes to lie where none should, and the receiver says why it ends.

use std::fs;
use std::path::PathBuf;

use crate::example::folder;
use crate::file_transfer::protocol::{Message, Offer, VERSION};
use crate::programs::{Fake, Receiver, checksum, names, offer};

/// What the receiver has said at its end, when the sender does this.
fn refused(name: &str, sender: impl FnOnce(&Fake)) -> (PathBuf, String) {
    let into = folder(name).join("a").join("b");
    fs::create_dir_all(&into).unwrap();
    let receiver = Receiver::start(&into, &["--timeout", "5s"]);
    let fake = Fake::call(&receiver.address);
    sender(&fake);
    // The reason is told to the other side too.
    let told = fake.hear().unwrap_err();
    let receiver = receiver.end();
    assert_eq!((receiver.code, receiver.stdout.as_str()), (Some(1), ""), "{}", receiver.stderr);
    let said = receiver.stderr.strip_prefix("error: ").unwrap().to_owned();
    let first = said.lines().next().unwrap();
    assert_eq!(told, format!("the other side can not go on: {first}"));
    (into, said)
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let long = "x".repeat(300);
    let names_of_harm = [
        "../evil",
        "/tmp/evil",
        "..",
        ".",
        "",
        "a/b",
        "a\\b",
        "..\\evil",
        "c:evil",
        "nul\0",
        "line\nfeed",
        "tab\t",
        &long,
    ];
    for (number, name) in names_of_harm.into_iter().enumerate() {
        let (into, said) = refused(&format!("peer_name_{number}"), |fake| {
            fake.say(&Message::Offer(offer(name, b"evil")));
        });
        assert!(said.starts_with("the name of the file"), "{said}");
        assert!(names(&into).is_empty() && names(into.parent().unwrap()) == ["b"], "{name:?}");
    }
}

#[test]
fn a_wrong_checksum_leaves_nothing() {
    let (into, said) = refused("peer_checksum", |fake| {
        let bytes = vec![7; 100_000];
        let offer = Offer { checksum: checksum(b"something else"), ..offer("file", &bytes) };
        fake.say(&Message::Offer(offer));
        fake.hear().unwrap();
        fake.say(&Message::From(0));
        for piece in bytes.chunks(50_000) {
            fake.say(&Message::Data(piece.to_vec().into()));
        }
    });
    assert!(said.starts_with("the checksums differ, and what has arrived was thrown away: "), "{said}");
    assert!(names(&into).is_empty());
}

/// A name, what the sender does, and what it is told.
type Case<'a> = (&'a str, &'a dyn Fn(&Fake), &'a str);

#[test]
fn messages_that_make_no_sense_are_refused() {
    let begun = |fake: &Fake| fake.send_some("file", &[1; 1000], 500);
    let not_the_program = "it is not the program that belongs to this one";
    let cases: [Case<'_>; 8] = [
        ("empty", &|fake| fake.send(b""), not_the_program),
        ("kind", &|fake| fake.send(b"\x63"), "a message of the unknown kind 99"),
        ("short", &|fake| fake.send(b"\x01\x00\x01\x02"), not_the_program),
        ("text", &|fake| fake.send(&[[1, 0, 1].as_slice(), &[0; 72], &[0xff]].concat().leak()[..]), "no UTF-8"),
        ("early", &|fake| fake.say(&Message::From(0)), "the beginning of the data in place of an offer"),
        (
            "more",
            &|fake| (begun(fake), fake.say(&Message::Data(vec![1; 501].into()))).1,
            "more bytes than it had offered",
        ),
        ("twice", &|fake| (begun(fake), fake.say(&Message::Offer(offer("b", b"")))).1, "an offer in place of data"),
        (
            "offset",
            &|fake| {
                fake.say(&Message::Offer(offer("file", &[1; 1000])));
                fake.hear().unwrap();
                fake.say(&Message::From(500));
            },
            "begins at the wrong one",
        ),
    ];
    for (name, sender, message) in cases {
        let (into, said) = refused(&format!("peer_{name}"), sender);
        assert!(said.contains(message), "{name}: {said}");
        assert!(!into.join("file").exists());
    }
}

#[test]
fn another_version_is_told_as_such() {
    let (into, said) = refused("peer_version", |fake| {
        fake.say(&Message::Offer(Offer { version: VERSION + 1, ..offer("file", b"x") }));
    });
    assert_eq!(said, "the other side speaks version 2 of the protocol, and this is version 1\n");
    assert!(names(&into).is_empty());
}
