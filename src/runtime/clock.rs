//! The only place where the cockpit reads the time.

use std::time::Duration;

use jiff::Timestamp;

/// How often time is handed to the state machine. It paints nothing by itself: ages change once a
/// minute.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// How often time is handed to the state machine while something on screen waits for an answer, so
/// that waiting shows from 300 ms on.
pub(crate) const PULSE: Duration = Duration::from_millis(300);

/// How long a write in flight may take to end when the cockpit must end. After that its journal says
/// what stands.
pub(crate) const SETTLE: Duration = Duration::from_secs(20);

/// Shortest time between two frames that nobody asked for by a key: answers that pour in cost at most twenty
/// frames a second, whatever their number.
pub(crate) const FRAME: Duration = Duration::from_millis(50);

/// Shortest time between two frames for keys: what repeats faster is seen no better, and costs processor and bytes.
pub(crate) const KEY_FRAME: Duration = Duration::from_millis(34);

/// How many events that wait already are dealt with before a frame is drawn and signals are looked for again.
pub(crate) const BATCH: usize = 256;

/// The time of this machine's clock.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
