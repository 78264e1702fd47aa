//! Verification of evidence.
