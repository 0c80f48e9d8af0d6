//! The example `crawl`, when all goes well.

use mconn::peer::PeerAddress;
use mconn::secret::NodeId;
use serde_json::Value;

use super::example::{End, end, interrupt, run, start};
use super::{Net, nobody};

/// Four nodes in a row, each of which knows the next; the third also knows one that is not there, and the last one exchanges
/// no addresses.
struct Row {
    _net: Net,
    addresses: Vec<PeerAddress>,
    gone: PeerAddress,
}

fn row() -> Row {
    let net = Net::new();
    let gone = nobody(9);
    let (_, last) = net.node(4, None);
    let (_, third) = net.node(3, Some(&[last.clone(), gone.clone()]));
    let (_, second) = net.node(2, Some(std::slice::from_ref(&third)));
    let (_, first) = net.node(1, Some(std::slice::from_ref(&second)));
    Row { _net: net, addresses: vec![first, second, third, last], gone }
}

impl Row {
    fn crawl(&self, arguments: &[&str]) -> End {
        run("crawl", &[&[self.addresses[0].to_string().as_str()], arguments].concat())
    }

    fn map(&self, arguments: &[&str]) -> Value {
        let end = self.crawl(arguments);
        assert_eq!(end.code, Some(0), "{}", end.stderr);
        serde_json::from_str(&end.stdout).unwrap()
    }
}

fn find<'a>(map: &'a Value, id: &NodeId) -> &'a Value {
    let nodes = map["nodes"].as_array().unwrap();
    nodes.iter().find(|node| node["id"] == id.to_string()).unwrap_or_else(|| panic!("{id} in {map}"))
}

fn states(map: &Value, row: &Row) -> Vec<String> {
    let ids = row.addresses.iter().chain([&row.gone]).map(|address| address.id);
    let nodes = map["nodes"].as_array().unwrap();
    let state = |id: NodeId| nodes.iter().find(|node| node["id"] == id.to_string()).map(|node| node["state"].as_str());
    ids.map(|id| state(id).flatten().unwrap_or("unknown").to_owned()).collect()
}

#[test]
fn all_nodes_are_found_and_those_that_are_not_there_are_told() {
    let row = row();
    for concurrency in ["1", "16"] {
        let map = row.map(&["--private", "--concurrency", concurrency]);
        assert_eq!((map["network"].as_str(), map["complete"].as_bool()), (Some("test-chain"), Some(true)));
        assert_eq!(map["start"], row.addresses[0].to_string());
        assert_eq!(states(&map, &row), ["reached", "reached", "reached", "reached", "failed"]);
        for (place, address) in row.addresses.iter().enumerate() {
            let node = find(&map, &address.id);
            assert_eq!(node["depth"], place);
            assert_eq!(node["address"], address.at.to_string());
            assert_eq!(node["info"]["moniker"], format!("node {}", place + 1));
        }
        let third = find(&map, &row.addresses[2].id);
        let mut known = [row.addresses[3].id.to_string(), row.gone.id.to_string()];
        known.sort();
        assert_eq!(third["knows"], serde_json::json!(known));
        assert_eq!(find(&map, &row.addresses[3].id)["silent"], "it exchanges no addresses");
        let why = find(&map, &row.gone.id)["why"].as_str().unwrap().to_owned();
        assert!(why.contains("refused"), "{why}");
    }
}

#[test]
fn the_graph_has_all_nodes_and_who_knows_whom() {
    let row = row();
    let end = row.crawl(&["--private", "--dot", "-"]);
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    assert!(end.stderr.contains("5 nodes of \"test-chain\": 4 reached, 1 failed, 0 not dialled"), "{}", end.stderr);
    let ids: Vec<_> = row.addresses.iter().map(|address| address.id).collect();
    assert!(end.stdout.starts_with("digraph \"test-chain\" {\n") && end.stdout.ends_with("}\n"));
    for (from, to) in [(ids[0], ids[1]), (ids[1], ids[2]), (ids[2], ids[3]), (ids[2], row.gone.id)] {
        assert!(end.stdout.contains(&format!("  \"{from}\" -> \"{to}\";\n")), "{}", end.stdout);
    }
    assert!(end.stdout.contains(&format!("{}\", color=red];", row.gone.at)), "{}", end.stdout);
}

#[test]
fn the_limits_hold() {
    let row = row();
    let map = row.map(&["--private", "--depth", "2"]);
    assert_eq!(states(&map, &row), ["reached", "reached", "reached", "not_dialled", "not_dialled"]);
    let map = row.map(&["--private", "--max-nodes", "2"]);
    assert_eq!(states(&map, &row), ["reached", "reached", "not_dialled", "unknown", "unknown"]);
    // The first is dialled because somebody has asked for it.
    let map = row.map(&[]);
    assert_eq!(states(&map, &row), ["reached", "not_dialled", "unknown", "unknown", "unknown"]);
    let why = find(&map, &row.addresses[1].id)["why"].as_str().unwrap().to_owned();
    assert!(why.contains("--private"), "{why}");
}

#[cfg(unix)]
#[test]
fn what_was_found_until_ctrl_c_is_printed() {
    // The second node takes the connection and says nothing.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = PeerAddress { id: nobody(9).id, at: listener.local_addr().unwrap().into() };
    let net = Net::new();
    let (_node, first) = net.node(1, Some(std::slice::from_ref(&silent)));
    let child = start("crawl", &[&first.to_string(), "--private", "--timeout", "1000"]);
    let _stream = listener.accept().unwrap();
    interrupt(&child);
    let end = end(child);
    assert_eq!(end.code, Some(130), "{}", end.stderr);
    assert!(end.stderr.contains("interrupted"), "{}", end.stderr);
    let map: Value = serde_json::from_str(&end.stdout).unwrap();
    assert_eq!(map["complete"], false);
    assert_eq!(find(&map, &first.id)["state"], "reached");
    assert_eq!(find(&map, &silent.id)["state"], "not_dialled");
}

#[test]
fn without_time_there_is_no_map() {
    let net = Net::new();
    let (_node, first) = net.node(1, None);
    let end = run("crawl", &[&first.to_string(), "--for", "0"]);
    assert_eq!((end.code, end.stdout.as_str()), (Some(1), ""), "{}", end.stderr);
    assert!(end.stderr.contains("out of time"), "{}", end.stderr);
}
