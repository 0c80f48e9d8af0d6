//! The memory of a switch over TCP: what a stranger costs with its socket, task and buffers, and that nothing stays of it.
#![cfg(all(feature = "tokio", feature = "peer"))]

#[path = "support/counting.rs"]
mod counting;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use bytes::Bytes;
use counting::live;
use mconn::adapter::tokio::switch::{Events, Node, Options, run};
use mconn::connection::ChannelConfig;
use mconn::peer::switch::{Context, Event, Switch, SwitchConfig};
use mconn::peer::{NodeInfo, Reactor};
use mconn::secret::{NodeId, NodeKey};
use tokio::net::TcpListener;

struct Quiet;

impl Reactor for Quiet {
    fn channels(&self) -> Vec<ChannelConfig> {
        (0x20..0x28).map(|id| ChannelConfig::new(id, 1)).collect()
    }

    fn receive(&mut self, _: &mut Context<'_>, _: NodeId, _: u8, _: Bytes) {}
}

async fn node() -> (Node, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let key = NodeKey::from_seed(&[1; 32]);
    let mut config = SwitchConfig::default();
    config.limits.allow_duplicate_ip = true;
    let mut builder = Switch::builder(key.clone(), NodeInfo::new(key.id(), "chain", [])).config(config);
    builder.add_reactor(Quiet).unwrap();
    let (node, driver) = run(builder, Some(listener), Options::default()).unwrap();
    tokio::spawn(driver);
    (node, address)
}

/// A connection that was greeted: the node has it.
async fn greeted(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nonblocking(true).unwrap();
    while !matches!(stream.peek(&mut [0; 64]), Ok(35)) {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    stream
}

/// The first message of a peer, with a good key.
fn hello() -> Vec<u8> {
    [&[0x22, 0x0a, 0x20][..], &[9; 32]].concat()
}

async fn end(events: &mut Events) {
    while !matches!(events.recv().await, Some(Event::Ended { .. })) {}
}

#[tokio::test(flavor = "current_thread")]
async fn a_stranger_costs_less_than_four_kib() {
    let (node, address) = node().await;
    let mut streams = Vec::with_capacity(64);
    // What the runtime and the kernel's events need is there after the first.
    drop(greeted(address).await);
    end(&mut node.events()).await;
    let before = live();
    for _ in 0..64 {
        let mut stream = greeted(address).await;
        stream.write_all(&hello()).unwrap();
        // Its answer, 1044 bytes, shows that the node has read the key.
        while !matches!(stream.peek(&mut [0; 2000]), Ok(1079)) {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        // Half of a frame, which has to be kept.
        stream.write_all(&[7; 522]).unwrap();
        streams.push(stream);
    }
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let each = (live() - before) / 64;
    assert_eq!(node.refused_connections(), 0);
    assert!(each < 4096, "{each} bytes");
}

#[tokio::test(flavor = "current_thread")]
async fn aborted_handshakes_leave_nothing() {
    let (node, address) = node().await;
    let mut events = node.events();
    let mut after_first = 0;
    for number in 0..1000 {
        let mut stream = greeted(address).await;
        match number % 3 {
            0 => stream.write_all(&hello()).unwrap(),
            1 => stream.write_all(&[0xff; 100]).unwrap(),
            _ => {}
        }
        drop(stream);
        end(&mut events).await;
        if number == 200 {
            after_first = live();
        }
    }
    let grown = live().saturating_sub(after_first);
    assert!(grown < 4096, "{grown} bytes stay of 800 handshakes");
}
