//! Over sockets of UDP, on threads.

use core::time::Duration;
use std::io::{Read, Write};
use std::net::UdpSocket;
use std::thread;

use mconn::adapter::udp::blocking::{self, Session, UdpEndpoint};
use mconn::adapter::window::{Fate, fresh_config, fresh_endpoint_config};
use mconn::sliding_window::{CloseReason, SlidingWindow};

use crate::cases::{ORDERED, payload};

fn endpoint() -> UdpEndpoint {
    UdpEndpoint::bind("127.0.0.1:0", fresh_endpoint_config().unwrap()).unwrap()
}

fn pair() -> (Session, Session) {
    let (server, client) = (endpoint(), endpoint());
    let ours = client.connect(server.local_addr()).unwrap();
    (ours, server.accept().unwrap())
}

fn end(ours: &Session, theirs: &Session) {
    ours.close();
    assert_eq!((theirs.recv(), ours.recv()), (None, None));
    assert!(ours.closed().is_orderly() && theirs.closed().is_orderly());
}

#[test]
fn a_thousand_messages_there_and_back() {
    let (ours, theirs) = pair();
    let echo = {
        let theirs = theirs.clone();
        thread::spawn(move || {
            for message in theirs.messages().take(1000) {
                theirs.send(message.payload, ORDERED).unwrap();
            }
        })
    };
    let size = |number: usize| [0, 1, 40, 1200, 20_000][number % 5];
    let sender = ours.clone();
    let sending = thread::spawn(move || {
        for number in 0..1000 {
            sender.send(payload(number, size(number)), ORDERED).unwrap();
        }
        sender.flush().unwrap();
    });
    for number in 0..1000 {
        assert!(ours.recv().unwrap().payload == payload(number, size(number)), "message {number}");
    }
    sending.join().unwrap();
    echo.join().unwrap();
    end(&ours, &theirs);
}

#[test]
fn streams_of_bytes() {
    let sockets = [UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap()];
    let to = sockets[1].local_addr().unwrap();
    let [ours, theirs] = sockets;
    let mut theirs = blocking::session(theirs, None, fresh_config().unwrap(), SlidingWindow::listen).unwrap();
    let mut ours = blocking::session(ours, Some(to), fresh_config().unwrap(), SlidingWindow::connect).unwrap();
    ours.connected().unwrap();
    let sent = payload(3, 6_000_000);
    let reading = thread::spawn(move || {
        let mut received = Vec::new();
        theirs.read_to_end(&mut received).unwrap();
        received
    });
    ours.write_all(&sent).unwrap();
    ours.close();
    assert!(reading.join().unwrap() == sent);
    assert!(ours.write_all(b"late").is_err());
}

#[test]
fn nobody_waits_longer_than_told() {
    let (ours, theirs) = pair();
    let short = Duration::from_millis(20);
    assert_eq!(ours.recv_timeout(short), None);
    assert!(ours.closed_timeout(short).is_none());
    let receipt = {
        let ours = ours.clone();
        thread::spawn(move || ours.send_and_wait("taken?".into(), ORDERED).unwrap())
    };
    assert_eq!(theirs.recv().unwrap().payload, "taken?");
    assert_eq!(receipt.join().unwrap(), Fate::Taken);
    theirs.handle().abort(3, "enough");
    assert_eq!(ours.recv(), None);
    assert_eq!(ours.closed().reason, CloseReason::PeerAborted { code: 3, text: "enough".into() });
    let server = endpoint();
    assert!(server.accept_timeout(short).is_none());
    server.close();
    assert!(server.accept().is_none());
}

#[test]
fn twenty_sessions_on_one_socket() {
    let (server, client) = (endpoint(), endpoint());
    let calls: Vec<_> = (0..20_usize)
        .map(|number| {
            let (client, to) = (client.clone(), server.local_addr());
            thread::spawn(move || {
                let session = client.connect(to).unwrap();
                session.send(payload(number, 50_000), ORDERED).unwrap();
                assert!(session.recv().unwrap().payload == payload(number, 50_000));
                session.close();
                assert!(session.closed().is_orderly());
            })
        })
        .collect();
    let echoes: Vec<_> = (0..20)
        .map(|_| {
            let session = server.accept().unwrap();
            thread::spawn(move || {
                for message in session.messages() {
                    session.send(message.payload, ORDERED).unwrap();
                }
            })
        })
        .collect();
    for thread in calls.into_iter().chain(echoes) {
        thread.join().unwrap();
    }
}
