//! A canned board.
