//! NodeInfo against the bytes that Go writes.

use mconn::peer::{NodeInfo, ProtocolVersion, node_key};
use mconn::secret::NodeKey;
use serde_json::Value;

use super::support::vectors;

fn text(row: &Value, field: &str) -> String {
    row[field].as_str().unwrap().into()
}

/// The NodeInfo that a row describes; `None` for the rows about other messages.
fn described(row: &Value) -> Option<NodeInfo> {
    let version = |field: &str| row[field].as_u64();
    let mut info = NodeInfo::default();
    info.protocol = ProtocolVersion { p2p: version("p2p")?, block: version("block")?, app: version("app")? };
    info.node_id = text(row, "default_node_id");
    info.listen_addr = text(row, "listen_addr");
    info.network = text(row, "network");
    info.version = text(row, "version");
    info.channels = hex::decode(text(row, "channels_hex")).unwrap();
    info.moniker = text(row, "moniker");
    info.tx_index = text(row, "tx_index");
    info.rpc_address = text(row, "rpc_address");
    Some(info)
}

#[test]
fn node_info_has_the_bytes_of_go() {
    let rows = vectors("node_info");
    let mut seen = 0;
    for row in &rows {
        let wire = hex::decode(text(row, "hex")).unwrap();
        let Some(info) = described(row) else { continue };
        assert_eq!(hex::encode(info.encode()), hex::encode(&wire), "{}", row["name"]);
        assert_eq!(NodeInfo::decode(&wire).as_ref(), Ok(&info), "{}", row["name"]);
        // Only one is something that a node may say of itself.
        assert_eq!(info.validate().is_ok(), row["name"] == "typical", "{}", row["name"]);
        seen += 1;
    }
    // The two rows that are left are messages of the handshake.
    assert_eq!((seen, rows.len()), (4, 6));
}

#[test]
fn node_info_is_not_a_message_of_the_handshake() {
    for row in vectors("node_info").iter().filter(|row| described(row).is_none()) {
        let wire = hex::decode(text(row, "hex")).unwrap();
        // They have a field 1 with bytes too, which stand for versions of protocols.
        match NodeInfo::decode(&wire) {
            Ok(info) => assert!(info.validate().is_err(), "{}", row["name"]),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

/// The key of a node in the recorded handshakes, as its file.
#[test]
fn a_node_key_is_read_back_from_its_file() {
    for row in vectors("secret_handshake") {
        let seed: [u8; 32] = hex::decode(text(&row["a"], "node_seed")).unwrap().try_into().unwrap();
        let key = NodeKey::from_seed(&seed);
        let read = node_key::from_json(&node_key::to_json(&key)).unwrap();
        assert_eq!(hex::encode(read.public_key().as_bytes()), text(&row["a"], "node_pub"));
    }
}
