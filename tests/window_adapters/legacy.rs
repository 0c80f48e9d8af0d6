//! The packets of go-sliding-window over the same adapters.

use mconn::adapter::udp;
use mconn::adapter::window::Session;
use mconn::sliding_window::legacy::{LegacyConfig, Timestamp};
use mconn::sliding_window::{Config, SlidingWindow};
use tokio::net::UdpSocket;

use crate::cases::{ORDERED, payload, within};

const NAMES: [&str; 2] = ["test.alice", "test.bob"];
const NONCES: [&str; 2] = ["DRWeYWrQjEpw5VNaYjwHo1hlU3WO3U", "cHXd5BMa3mRSl2SYCwip6uQgvTyRkV"];

fn config(side: usize) -> Config {
    let clock = Timestamp::new(1_490_000_000, 0);
    Config::legacy(LegacyConfig::new(NAMES[side], NAMES[1 - side], NONCES[side], clock))
}

async fn talk(ours: Session, theirs: Session) {
    ours.connected().await.unwrap();
    let sender = ours.clone();
    let sending = tokio::spawn(async move {
        for number in 0..200 {
            sender.send(payload(number, number * 7), ORDERED).await.unwrap();
        }
    });
    for number in 0..200 {
        assert!(theirs.recv().await.unwrap().payload == payload(number, number * 7), "message {number}");
    }
    sending.await.unwrap();
    theirs.send("seen".into(), ORDERED).await.unwrap();
    assert_eq!(ours.recv().await.unwrap().payload, "seen");
    ours.close();
    assert_eq!((theirs.recv().await, ours.recv().await), (None, None));
    assert!(ours.closed().await.is_orderly() && theirs.closed().await.is_orderly());
}

#[tokio::test]
async fn over_udp() {
    within(async {
        let sockets = [UdpSocket::bind("127.0.0.1:0").await.unwrap(), UdpSocket::bind("127.0.0.1:0").await.unwrap()];
        let to = sockets[1].local_addr().unwrap();
        let [ours, theirs] = sockets;
        let (theirs, driver) = udp::session(theirs, None, config(1), SlidingWindow::listen).unwrap();
        tokio::spawn(driver);
        let (ours, driver) = udp::session(ours, Some(to), config(0), SlidingWindow::connect).unwrap();
        tokio::spawn(driver);
        talk(ours, theirs).await;
    })
    .await;
}

#[cfg(feature = "nats")]
#[tokio::test]
async fn over_nats() {
    use mconn::adapter::nats::{Inbox, Link};

    within(async {
        let Some(server) = crate::nats_server::Server::start().await else { return };
        let link = Link::of(async_nats::connect(server.url()).await.unwrap());
        let inbox = |side: usize| Inbox::new(NAMES[side]).peer(NAMES[1 - side]);
        let (theirs, _, driver) = link.session(inbox(1), config(1), SlidingWindow::listen).await.unwrap();
        tokio::spawn(driver);
        let (ours, _, driver) = link.session(inbox(0), config(0), SlidingWindow::connect).await.unwrap();
        tokio::spawn(driver);
        talk(ours, theirs).await;
    })
    .await;
}
