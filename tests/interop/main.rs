//! The real Go MConnection, in several versions, against ours. See README.md for what it takes and what was learned.
//!
//! Each version is a small Go module beside this file; the tests build it, run it and talk to it over loopback TCP.
#![cfg(all(feature = "blocking", feature = "tokio", feature = "peer"))]

mod by_hand;
mod endings;
mod exchange;
mod go_peer;
mod go_switch;
mod handshake;
mod keepalive;
mod node;
mod node_infos;
mod our_end;
mod our_switch;
mod random;
mod rates;
mod real_node;
mod refusals;
mod sealed;
mod switches;
mod traffic;
mod version;

#[path = "../support/machine.rs"]
mod machine_support;
#[path = "../support/mod.rs"]
mod support;

/// Runs each case against each version.
macro_rules! interop {
    ($group:ident: $($version:ident)* => $cases:tt) => {
        mod $group {
            $(mod $version { interop!(@cases $version $cases); })*
        }
    };
    (@cases $version:ident { $($file:ident: $($case:ident)*;)* }) => {
        $($(
            #[test]
            #[ignore = "needs Go: cargo test --all-features --test interop -- --ignored"]
            fn $case() {
                crate::$file::$case(&crate::version::$version());
            }
        )*)*
    };
}

interop! {
    connection: cometbft_v0_38_25 cometbft_v1_0_1 tendermint_v0_34_35 tendermint_v0_33_9
                cometbft_v0_38_25_sealed cometbft_v1_0_1_sealed tendermint_v0_34_35_sealed => {
        traffic:
            all_sizes_on_several_channels_both_ways
            packets_of_1400_bytes
            every_channel_id
            whole_packets_on_channels_with_two_byte_ids
            empty_messages
            go_loses_an_empty_message_whose_channel_waits;
        random: random_sequences;
        keepalive:
            go_pings_and_we_answer
            we_ping_and_go_answers
            go_gives_up_a_silent_peer
            go_gives_up_a_peer_that_sends_all_but_pongs
            pongs_nobody_asked_for_and_pings_in_a_row
            we_give_up_a_go_peer_that_does_not_read
            go_gives_up_our_sleeping_reader_unless_it_sends_pongs;
        rates: limits_hold_both_ways;
        endings:
            all_that_go_accepted_arrives_before_its_flush_stop_ends
            go_stops_at_once
            all_that_we_accepted_arrives_before_our_flush_ends
            we_close_at_once;
        refusals:
            decode_cases_have_the_same_verdict
            payload_sizes_that_differ
            messages_over_the_capacity
            an_unknown_channel;
    }
}

interop! {
    upgrade: cometbft_v0_38_25_sealed cometbft_v1_0_1_sealed tendermint_v0_34_35_sealed => {
        handshake:
            both_read_what_the_other_says
            the_dialled_id_must_be_right
            other_networks_blocks_and_channels
            silent_peers
            a_message_in_the_frame_of_the_node_info
            a_node_info_that_is_too_long;
        node_infos: have_the_same_verdict;
    }
}

interop! {
    cometbft_node: cometbft_v0_38_25_sealed => {
        real_node:
            it_lists_us_sends_consensus_messages_and_we_stay
            a_transaction_of_ours_is_committed
            it_dials_us_and_dials_again
            a_persistent_peer_of_our_switch
            dialled_on_tokio
            what_it_refuses;
    }
}

interop! {
    switch: cometbft_v0_38_25_sealed cometbft_v1_0_1_sealed tendermint_v0_34_35_sealed => {
        switches:
            go_dials_us
            we_dial_go
            broadcasts_reach_all
            a_persistent_peer_of_go_comes_back
            a_persistent_peer_of_ours_comes_back
            both_dial_each_other_at_once
            who_is_refused
            a_message_that_is_none;
    }
}
