//! Numbers and pieces of bytes, as they are written and read.

use std::fmt;

/// Appends a number, seven bits a byte, the lowest first.
pub(crate) fn put_number(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    to.push(number.to_le_bytes()[0]);
}

/// Takes a number from the front.
pub(crate) fn take_number(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(first & 0x7f).checked_shl(shift)?;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Takes as many bytes from the front.
pub(crate) fn take_bytes<'b>(from: &mut &'b [u8], length: u64) -> Option<&'b [u8]> {
    let (taken, rest) = from.split_at_checked(usize::try_from(length).ok()?)?;
    *from = rest;
    Some(taken)
}

/// Why something could not be written or read. Nobody is told more than that it was not kept.
#[derive(Debug)]
pub(super) struct CompactError;

impl fmt::Display for CompactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it cannot be kept in this form")
    }
}

impl std::error::Error for CompactError {}

impl serde::ser::Error for CompactError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl serde::de::Error for CompactError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}
