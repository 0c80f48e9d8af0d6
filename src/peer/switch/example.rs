use std::collections::HashMap;

use bytes::{Bytes, BytesMut};
use mconn::connection::ChannelConfig;
use mconn::peer::switch::{Command, ConnectionId, Context, Switch};
use mconn::peer::{NodeInfo, PeerAddress, Reactor};
use mconn::secret::{EphemeralSecret, NodeId, NodeKey};
use mconn::time::Instant;

const NOW: Instant = Instant::ZERO;

/// Greets each peer, and remembers what it hears.
#[derive(Default)]
struct Greeter(Vec<Bytes>);

impl Reactor for Greeter {
    fn channels(&self) -> Vec<ChannelConfig> {
        vec![ChannelConfig::new(0x77, 1)]
    }

    fn add_peer(&mut self, context: &mut Context<'_>, peer: NodeId) {
        context.try_send(&peer, 0x77, Bytes::from("hello")).unwrap();
    }

    fn receive(&mut self, _: &mut Context<'_>, _: NodeId, _: u8, message: Bytes) {
        self.0.push(message);
    }
}

/// A node with this reactor. In a program the key comes from `node_key.json`.
fn node(seed: u8) -> Switch {
    let key = NodeKey::from_seed(&[seed; 32]);
    let info = NodeInfo::new(key.id(), "test-chain", []);
    let mut builder = Switch::builder(key, info);
    builder.add_reactor(Greeter::default()).unwrap();
    builder.build(7, NOW).unwrap()
}

let (mut alice, mut bob) = (node(1), node(2));
let at: PeerAddress = format!("{}@10.0.0.2:26656", bob.local().id()).parse().unwrap();
alice.with(NOW, |context| context.dial(&at)).unwrap();

// The driver: a TCP stream for each connection, here two buffers in memory. In a program the ephemeral secrets come from
// the operating system.
let mut wires: HashMap<ConnectionId, ConnectionId> = HashMap::new(); // Alice's number, Bob's number
let (mut to_alice, mut to_bob) = (BytesMut::new(), BytesMut::new());
for _ in 0..20 {
    while let Some(command) = alice.poll_command() {
        match command {
            Command::Dial { connection, address } => {
                let ephemeral = |random| EphemeralSecret::from_random(&[random; 32]);
                let theirs = bob.accepted(NOW, "10.0.0.1:5000".parse().unwrap(), ephemeral(3)).unwrap();
                alice.dialled(NOW, connection, address.at.socket_addr().unwrap(), ephemeral(4));
                wires.insert(connection, theirs);
            }
            Command::HangUp { connection, .. } => drop(wires.remove(&connection)),
            _ => {} // Write and Feed: here everything is tried all the time
        }
    }
    for (ours, theirs) in &wires {
        alice.transmit_into(NOW, *ours, &mut to_bob, 65_536);
        bob.received(NOW, *theirs, &mut to_bob, false);
        bob.transmit_into(NOW, *theirs, &mut to_alice, 65_536);
        alice.received(NOW, *ours, &mut to_alice, false);
    }
}
assert_eq!(alice.reactor::<Greeter>().unwrap().0, ["hello"]);
assert_eq!(bob.reactor::<Greeter>().unwrap().0, ["hello"]);
