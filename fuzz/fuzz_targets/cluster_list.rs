//! Lists of an API server: whatever it answers, a look at a namespace ends.
#![cfg_attr(not(test), no_main)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, OnceLock};

use pindeck::sources::cluster::{ClusterClient, ClusterLimits, Kubeconfig, see, see_reconcilers};

/// A server that answers everything with the same bytes, and who asks it.
struct Place {
    body: Arc<Mutex<Vec<u8>>>,
    client: ClusterClient,
    runtime: tokio::runtime::Runtime,
}

fn place() -> Place {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let body: Arc<Mutex<Vec<u8>>> = Arc::default();
    let answers = Arc::clone(&body);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (mut asked, mut byte) = (Vec::new(), [0]);
            while !asked.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
                asked.extend(byte);
            }
            let body = answers.lock().expect("a body").clone();
            let head = format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    let file = std::env::temp_dir().join(format!("pindeck-fuzz-cluster-{}", std::process::id()));
    let config = format!(
        "clusters: [{{name: c, cluster: {{server: 'http://{address}'}}}}]\nusers: [{{name: u, user: {{token: t}}}}]\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n"
    );
    std::fs::write(&file, config).expect("written");
    let account = Kubeconfig::read(&[file])
        .and_then(|config| config.account("x"))
        .expect("a context");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    Place {
        body,
        client: ClusterClient::new("eu", account, ClusterLimits::default()),
        runtime,
    }
}

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    static PLACE: OnceLock<Mutex<Place>> = OnceLock::new();
    let place = PLACE.get_or_init(|| Mutex::new(place())).lock().expect("a place");
    *place.body.lock().expect("a body") = body.to_vec();
    let seen = place.runtime.block_on(see(&place.client, "shop"));
    assert!(seen.unfinished.is_some() || serde_json::from_slice::<serde_json::Value>(body).is_ok());
    let _ = place.runtime.block_on(see_reconcilers(&place.client, "argocd"));
});
