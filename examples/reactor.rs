//! Two nodes over TCP with one reactor each: it greets new peers and prints what it hears.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use mconn::adapter::tokio::switch::{Node, Options, run};
use mconn::connection::ChannelConfig;
use mconn::peer::switch::{Context, EndReason, Event, Switch};
use mconn::peer::{NodeInfo, PeerAddress, Reactor};
use mconn::secret::{NodeId, NodeKey};
use tokio::net::TcpListener;

/// Its name, and how many messages it has heard.
struct MyReactor(&'static str, usize);

impl Reactor for MyReactor {
    fn channels(&self) -> Vec<ChannelConfig> {
        vec![ChannelConfig::new(0x01, 5).send_queue_capacity(10)]
    }

    fn add_peer(&mut self, context: &mut Context<'_>, peer: NodeId) {
        println!("{}: {peer} is a peer", self.0);
        let _ = context.send(&peer, 0x01, Bytes::from(format!("hello from {}", self.0)));
    }

    fn receive(&mut self, _: &mut Context<'_>, _: NodeId, channel: u8, message: Bytes) {
        self.1 += 1;
        println!("{}: channel {channel:#04x}: {}", self.0, String::from_utf8_lossy(&message));
    }

    fn remove_peer(&mut self, _: &mut Context<'_>, peer: NodeId, reason: &EndReason) {
        println!("{}: {peer} is gone: {reason}", self.0);
    }
}

async fn start(name: &'static str, seed: u8) -> Result<(Node, PeerAddress), Box<dyn Error>> {
    let key = NodeKey::from_seed(&[seed; 32]); // in a program: of `node_key.json`
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = PeerAddress { id: key.id(), at: listener.local_addr()?.into() };
    let mut builder = Switch::builder(key.clone(), NodeInfo::new(key.id(), "my-chain", []));
    builder.add_reactor(MyReactor(name, 0))?;
    let (node, driver) = run(builder, Some(listener), Options::default())?;
    tokio::spawn(driver);
    Ok((node, address))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (alice, _) = start("alice", 1).await?;
    let (bob, address) = start("bob", 2).await?;
    alice.dial(&address)?;
    while bob.with_reactor(|reactor: &mut MyReactor, _| reactor.1) == Some(0) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bob.broadcast(0x01, &Bytes::from("news"));
    let mut events = alice.events();
    bob.stop_after_flush(Duration::from_secs(5)); // what is queued leaves first
    while !matches!(events.recv().await, Some(Event::Ended { .. })) {}
    Ok(())
}
