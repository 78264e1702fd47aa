//! Policies of clusters' gates: any bytes are policies or an error with a line that exists, and what is not read is kept.
#![cfg_attr(not(test), no_main)]

use pindeck::sources::admission;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    match admission::read("policy.yaml", bytes) {
        Ok(policies) => {
            assert!(!policies.is_empty());
            for policy in policies {
                assert!(!policy.name.chars().any(char::is_control));
                assert!(
                    policy
                        .demands
                        .iter()
                        .all(|demand| demand.at_least >= 1 && demand.at_least <= demand.of.len())
                );
            }
        }
        Err(error) => {
            let lines = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
            assert!(error.line >= 1 && error.line as usize <= lines + 2);
        }
    }
});
