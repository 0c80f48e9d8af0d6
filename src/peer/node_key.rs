//! `node_key.json`: the file in which a CometBFT node keeps its key.

use alloc::borrow::Cow;
use alloc::string::String;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::secret::NodeKey;

/// The type of the only keys that nodes have.
const KEY_TYPE: &str = "tendermint/PrivKeyEd25519";

/// The file as `p2p/key.go @ v0.38` reads and writes it.
#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    priv_key: Key<'a>,
}

#[derive(Deserialize)]
struct Key<'a> {
    #[serde(rename = "type", borrow)]
    key_type: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
}

/// Reads the text of a `node_key.json`.
///
/// Unlike CometBFT it checks that the public key in the file is that of the seed.
///
/// # Errors
/// What is not as it should be. No error contains a part of the key.
pub fn from_json(text: &str) -> Result<NodeKey, NodeKeyError> {
    let File { priv_key } = serde_json::from_str(text).map_err(|error| NodeKeyError::json(&error))?;
    if priv_key.key_type != KEY_TYPE {
        return Err(NodeKeyError::KeyType { found: priv_key.key_type.into_owned() });
    }
    let decoded = Zeroizing::new(STANDARD.decode(priv_key.value.as_bytes()).map_err(|_| NodeKeyError::Base64)?);
    let pair = decoded.as_slice().try_into().map_err(|_| NodeKeyError::Length { length: decoded.len() })?;
    NodeKey::from_pair(pair).ok_or(NodeKeyError::Mismatch)
}

/// The text of a `node_key.json`, byte for byte as CometBFT writes it. It is overwritten when it is dropped.
///
/// ```
/// use mconn::peer::node_key;
/// use mconn::secret::NodeKey;
///
/// let text = node_key::to_json(&NodeKey::from_seed(&[7; 32]));
/// assert!(text.starts_with(r#"{"priv_key":{"type":"tendermint/PrivKeyEd25519","value":"BwcH"#));
/// assert_eq!(node_key::from_json(&text)?.id(), NodeKey::from_seed(&[7; 32]).id());
/// # Ok::<(), mconn::peer::NodeKeyError>(())
/// ```
#[must_use]
pub fn to_json(key: &NodeKey) -> Zeroizing<String> {
    // Room for all, so that no copy stays behind in a buffer that was too small.
    let mut text = Zeroizing::new(String::with_capacity(256));
    text.push_str(r#"{"priv_key":{"type":""#);
    text.push_str(KEY_TYPE);
    text.push_str(r#"","value":""#);
    STANDARD.encode_string(key.to_pair().as_slice(), &mut text);
    text.push_str(r#""}}"#);
    text
}

/// A text that is no `node_key.json`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NodeKeyError {
    /// It is not JSON, or has not the fields that it should have.
    #[error("line {line}, column {column}: not the JSON of a node key")]
    Json {
        /// The line, from 1.
        line: usize,
        /// The column.
        column: usize,
    },
    /// The key is of another type.
    #[error("the key has the type {found:?} instead of \"tendermint/PrivKeyEd25519\"")]
    KeyType {
        /// The type as it stands there.
        found: String,
    },
    /// The value of the key is not base64.
    #[error("the value of the key is not base64")]
    Base64,
    /// The value of the key does not have 64 bytes.
    #[error("the key has {length} bytes instead of 64")]
    Length {
        /// Its length in bytes.
        length: usize,
    },
    /// The second half of the key is not the public key of the first.
    #[error("the public half of the key does not belong to the secret half")]
    Mismatch,
}

impl NodeKeyError {
    /// The words of the JSON parser are left out: they can quote the value.
    fn json(error: &serde_json::Error) -> Self {
        Self::Json { line: error.line(), column: error.column() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::ToString;

    /// Laid out as a person might, with a field that nobody knows, and with an escape that JSON allows.
    #[test]
    fn the_layout_of_the_file_does_not_matter() {
        let key = NodeKey::from_seed(&[0xff; 32]);
        let text = to_json(&key).replace("/", "\\/").replace(",", " ,\n \"more\": [1], ");
        assert_eq!(from_json(&text).unwrap().id(), key.id());
    }

    #[test]
    fn what_is_wrong_is_named_and_nothing_of_the_key_is_printed() {
        let good = to_json(&NodeKey::from_seed(&[7; 32]));
        let value = good.split('"').rev().nth(1).unwrap();
        let with = |other: &str| good.replace(value, other);
        let mut bent = NodeKey::from_seed(&[7; 32]).to_pair();
        bent[63] ^= 1;
        for (text, error) in [
            (String::new(), NodeKeyError::Json { line: 1, column: 0 }),
            (format!("{{\"priv_key\":\"{value}\"}}"), NodeKeyError::Json { line: 1, column: 102 }),
            (good.replace("25519", "448"), NodeKeyError::KeyType { found: "tendermint/PrivKeyEd448".into() }),
            (with("BwcH*"), NodeKeyError::Base64),
            (with("BwcH"), NodeKeyError::Length { length: 3 }),
            (with(&STANDARD.encode(bent.as_slice())), NodeKeyError::Mismatch),
        ] {
            let found = from_json(&text).unwrap_err();
            assert_eq!(found, error);
            assert!(!found.to_string().contains("BwcH"), "{found}");
        }
    }
}
