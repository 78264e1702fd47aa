//! The only place where the cockpit reads the time.

use std::time::Duration;

use jiff::Timestamp;

/// How often time is handed to the state machine. It paints nothing by itself: ages change once a
/// minute.
pub const TICK: Duration = Duration::from_secs(1);

/// Shortest time between two frames that nobody asked for by a key.
pub const FRAME: Duration = Duration::from_millis(33);

/// Now.
pub fn now() -> Timestamp {
    Timestamp::now()
}
