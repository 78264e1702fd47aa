//! Which hosts are this machine.

use std::net::IpAddr;

/// Whether the host of a URL is this machine: 127.0.0.0/8, ::1 or `localhost`. A name that only begins like an address is
/// not.
pub(super) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => bare.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn addresses_and_one_name() {
        for host in ["127.0.0.1", "127.8.0.1", "[::1]", "::1", "localhost", "LOCALHOST"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["127.evil.example", "localhost.example", "10.0.0.1", "[::2]", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
