//! Uses the sources to answer domain questions.
