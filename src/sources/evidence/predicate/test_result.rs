//! in-toto test results
//! (<https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md>).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::count::ListLength;
use super::time::time;
use crate::domain::evidence::TestResultSummary;
use crate::domain::text::{Untrusted, quoted};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TestResult<'a> {
    #[serde(borrow)]
    result: Cow<'a, str>,
    #[serde(default)]
    passed_tests: Option<ListLength>,
    #[serde(default)]
    warned_tests: Option<ListLength>,
    #[serde(default)]
    failed_tests: Option<ListLength>,
    #[serde(default, borrow)]
    url: Option<Cow<'a, str>>,
    // The predicate type has no time; these are what signers add to it.
    #[serde(default, borrow)]
    finished_on: Option<&'a RawValue>,
    #[serde(default, borrow)]
    timestamp: Option<&'a RawValue>,
}

impl TestResult<'_> {
    fn finished_at(&self) -> Option<jiff::Timestamp> {
        let field = self.finished_on.or(self.timestamp)?;
        time(serde_json::from_str::<String>(field.get()).ok().as_deref())
    }
}

pub(super) fn parse(predicate: &str) -> Result<TestResultSummary, String> {
    let read: TestResult<'_> =
        serde_json::from_str(predicate).map_err(|e| format!("no test result: {}", quoted(&e)))?;
    if !matches!(&*read.result, "PASSED" | "WARNED" | "FAILED") {
        return Err(format!(
            "no test result: `result` is {:?}, not PASSED, WARNED or FAILED",
            read.result
        ));
    }
    let finished_at = read.finished_at();
    let count = |list: Option<ListLength>| list.map(|c| c.0);
    Ok(TestResultSummary {
        result: read.result.into_owned(),
        passed: count(read.passed_tests),
        warned: count(read.warned_tests),
        failed: count(read.failed_tests),
        url: read
            .url
            .filter(|u| !u.is_empty())
            .map(|u| Untrusted::new(u.into_owned())),
        finished_at,
    })
}
