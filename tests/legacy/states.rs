//! The table of states.

use mconn::sliding_window::legacy::state_table::{TcpAction, TcpEvent, TcpState, update, update_mended};
use serde_json::Value;

use super::{integer, rows};

fn cell(row: &Value) -> (TcpState, TcpEvent, TcpState, (TcpState, TcpAction)) {
    (
        TcpState::from(integer(row, "state")),
        TcpEvent::from(integer(row, "event")),
        TcpState::from(integer(row, "from_state")),
        (TcpState::from(integer(row, "new_state")), TcpAction::from(integer(row, "action"))),
    )
}

#[test]
fn the_table_is_the_original_s_cell_for_cell() {
    for row in rows("updatetcp", 1500) {
        let (state, event, from_state, expected) = cell(&row);
        assert_eq!(update(state, event, from_state), expected, "{row}");
    }
}

#[test]
fn the_mended_table_differs_where_a_closed_end_answers_more_than_a_fin() {
    let mut different = 0;
    for row in rows("updatetcp", 1500) {
        let (state, event, from_state, original) = cell(&row);
        let mended = update_mended(state, event, from_state);
        if state == TcpState::Closed && event != TcpEvent::Fin {
            assert_eq!(original, (TcpState::Closed, TcpAction::SendFinAck));
            assert_eq!(mended, (TcpState::Closed, TcpAction::None));
            different += 1;
        } else {
            assert_eq!(mended, original);
        }
    }
    // One state, all events but one, all states of the peer.
    assert_eq!(different, 14 * 10);
}
