//! Clusters are looked at and never changed: by what their adapter can say.

use super::tree::{sources, verdict};

/// Names that would make another request than a GET of a list, or read what nobody needs.
const NEVER: &[&str] = &[
    "post", "put", "patch", "delete", "head", "request", "execute", "Method", "Request",
];

#[test]
fn the_cluster_adapter_can_send_nothing_but_a_get_of_a_list() {
    let mut complaints = Vec::new();
    let mut gets = 0;
    for source in sources()
        .iter()
        .filter(|source| source.path.starts_with("sources/cluster/"))
    {
        let tokens = source.product_tokens();
        for (at, token) in tokens.iter().enumerate() {
            let is_call = tokens.get(at + 1).is_some_and(|next| next.is("(") || next.is("::"));
            if is_call && NEVER.contains(&token.text.as_str()) {
                complaints.push(format!("src/{}:{}: {}", source.path, token.line, token.text));
            }
            let is_http = at > 1 && tokens[at - 1].is(".") && tokens[at - 2].is("http");
            gets += usize::from(is_http && token.is("get"));
            if token.text.contains("secrets") && !token.text.contains("serviceaccount") || token.text.contains("nodes")
            {
                complaints.push(format!("src/{}:{}: {}", source.path, token.line, token.text));
            }
        }
    }
    verdict("requests to clusters that are no lists", &complaints);
    assert_eq!(gets, 1, "the one place where a request is made");
}
