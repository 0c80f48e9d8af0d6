//! The table that maps the original's names to ours.

use std::collections::BTreeSet;

const TABLE: &str = include_str!("../../src/sliding_window/legacy/names.md");
/// What the package exports at commit `7d8aad3`, generated code included, tests and examples left out: types, their fields and
/// methods, functions, constants and variables.
const EXPORTED: &str = include_str!("../vectors/sliding_window/exported_names.txt");

/// The names in the first column. One that begins with a dot belongs to the type before it.
fn mapped() -> Vec<String> {
    let mut names = Vec::new();
    for row in TABLE.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [_, originals, ours, _] = cells[..] else { panic!("not two cells: {row}") };
        assert!(!ours.is_empty(), "{row}");
        let mut owner = String::new();
        for name in originals.split_whitespace() {
            let name = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')).unwrap();
            if name.starts_with('.') {
                names.push(format!("{owner}{name}"));
            } else {
                owner = name.split('.').next().unwrap().into();
                names.push(name.into());
            }
        }
    }
    names
}

#[test]
fn every_exported_name_is_mapped_once() {
    let exported: BTreeSet<_> = EXPORTED.lines().map(String::from).collect();
    assert_eq!(exported.len(), 430);
    let mapped = mapped();
    let once: BTreeSet<_> = mapped.iter().cloned().collect();
    let missing: Vec<_> = exported.difference(&once).collect();
    let invented: Vec<_> = once.difference(&exported).collect();
    assert!(missing.is_empty() && invented.is_empty(), "missing {missing:?}, not exported {invented:?}");
    assert_eq!(mapped.len(), once.len(), "a name stands twice");
}
