//! The account that a registry may ask for.

use std::collections::BTreeMap;

/// How a caller shows who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccountScheme {
    /// User and password with every request.
    Basic,
    /// A token from `/token` of this registry, good for the actions it was asked for.
    Bearer,
}

/// The only account of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// How it is shown.
    pub scheme: AccountScheme,
    /// Name.
    pub user: String,
    /// Password.
    pub password: String,
    /// Whether strangers may read.
    pub anonymous_pull: bool,
}

/// Tokens handed out, with the (repository, action) pairs that each allows.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    pub granted: BTreeMap<String, Vec<(String, String)>>,
}
