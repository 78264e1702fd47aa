//! A proposed change judged as a gate (docs/reference/check.md): which pins differ between two commits, and what is to
//! be said of each. Pure: both commits were read already, and `now` is an argument.

pub(crate) mod change;
pub(crate) mod finding;
pub(crate) mod place;
pub(crate) mod step;

#[cfg(test)]
mod change_tests;
#[cfg(test)]
mod step_tests;
