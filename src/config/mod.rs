//! Configuration: the team's `pindeck.toml` and the user's preferences.
