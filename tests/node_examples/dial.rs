//! The example `dial_cometbft`, when all goes well.

use std::io::{BufRead, BufReader};

use mconn::peer::node_key;
use mconn::secret::NodeKey;

use super::Net;
use super::example::{end, interrupt, run, start};

#[cfg(unix)]
#[test]
fn it_prints_who_the_node_is_and_what_came_until_ctrl_c() {
    let net = Net::new();
    let (_node, address) = net.node(1, None);
    let mut child = start("dial_cometbft", &[&address.to_string()]);
    // The first of each kind is told when it comes.
    let mut line = String::new();
    BufReader::with_capacity(1, child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.split_whitespace().collect::<Vec<_>>()[..4], ["0x20", "consensus", "state", "NewRoundStep"]);
    interrupt(&child);
    let end = end(child);
    assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""), "{}", end.stdout);
    for (name, value) in [
        ("node", address.id.to_string()),
        ("dialled at", address.at.to_string()),
        ("moniker", "node 1".into()),
        ("network", "test-chain".into()),
        ("protocol", "p2p 8, block 11, app 0".into()),
        ("channels", "20".into()),
    ] {
        let line = format!("{name:<11} {value}");
        assert!(end.stdout.lines().any(|found| found == line), "{line} in {}", end.stdout);
    }
    let row = end.stdout.lines().find(|line| line.contains("NewRoundStep")).unwrap();
    assert_eq!(row.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["1", "4"], "{row}");
    assert!(end.stdout.contains("received 1 messages"), "{}", end.stdout);
}

#[test]
fn it_ends_by_itself_and_takes_a_key_and_a_network() {
    let net = Net::new();
    let (node, address) = net.node(1, None);
    let mut events = node.events();
    let key = NodeKey::from_seed(&[9; 32]);
    let path = std::env::temp_dir().join(format!("mconn-{}-node_key.json", std::process::id()));
    std::fs::write(&path, node_key::to_json(&key).as_bytes()).unwrap();
    let file = path.to_str().unwrap();
    let end =
        run("dial_cometbft", &[&address.to_string(), "--for", "0.1", "--network", "test-chain", "--node-key", file]);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(end.code, Some(0), "{end:?}");
    let started = net.runtime.block_on(events.recv()).unwrap();
    let mconn::peer::switch::Event::PeerStarted { id, .. } = started else { panic!("{started:?}") };
    assert_eq!(id, key.id());
}

#[test]
fn a_node_that_ends_the_connection_is_told() {
    let net = Net::new();
    let (node, address) = net.node(1, None);
    let mut events = node.events();
    let child = start("dial_cometbft", &[&address.to_string(), "--network", "test-chain"]);
    net.runtime.block_on(events.recv()).unwrap();
    node.stop();
    let end = end(child);
    assert_eq!(end.code, Some(1), "{end:?}");
    assert!(end.stdout.contains("moniker     node 1"), "{}", end.stdout);
    assert!(end.stderr.contains("error: the connection ended: "), "{}", end.stderr);
}
