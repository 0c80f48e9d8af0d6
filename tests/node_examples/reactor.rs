//! The example `reactor`.

use super::example::run;

#[test]
fn both_nodes_hear_each_other() {
    let end = run("reactor", &[]);
    assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""), "{}", end.stdout);
    for line in
        ["alice: channel 0x01: hello from bob", "alice: channel 0x01: news", "bob: channel 0x01: hello from alice"]
    {
        assert!(end.stdout.lines().any(|found| found == line), "{line} in {}", end.stdout);
    }
    assert!(end.stdout.contains("is gone: closed by the peer"), "{}", end.stdout);
}
