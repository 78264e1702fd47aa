use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

async fn start() -> (tempfile::TempDir, DemoCluster) {
    let folder = tempfile::tempdir().expect("a folder");
    let deployed: DeployedAs = |_, _| ("reg.example/web".to_owned(), 1);
    let cluster = DemoCluster::start(folder.path(), deployed).await.expect("a cluster");
    (folder, cluster)
}

async fn ask(cluster: &DemoCluster, target: &str) -> TcpStream {
    let mut stream = TcpStream::connect(cluster.address).await.expect("connected");
    let request =
        format!("GET {target} HTTP/1.1\r\nHost: demo\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream
}

/// Reads until the text has been said, or to the end.
async fn said(stream: &mut TcpStream, text: &str) -> String {
    let mut all = Vec::new();
    while !String::from_utf8_lossy(&all).contains(text) {
        let mut bytes = [0; 1024];
        match stream.read(&mut bytes).await.expect("read") {
            0 => break,
            read => all.extend(&bytes[..read]),
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test]
async fn a_watch_begins_at_once_and_tells_the_next_change_and_nothing_else() {
    let (_folder, cluster) = start().await;
    let pods = "/api/v1/namespaces/production/pods";
    let list = said(&mut ask(&cluster, &format!("{pods}?limit=500")).await, "never").await;
    assert!(list.contains("\"resourceVersion\":\"1\""), "{list}");
    let watch = format!("{pods}?watch=true&allowWatchBookmarks=true&resourceVersion=1&timeoutSeconds=30");
    let mut stream = ask(&cluster, &watch).await;
    let head = said(&mut stream, "\r\n\r\n").await;
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    cluster.shared.version.send_modify(|version| *version += 1);
    let line = said(&mut stream, "never").await;
    assert!(
        line.contains("{\"type\":\"MODIFIED\",\"object\":{") && line.contains("\"resourceVersion\":\"2\""),
        "{line}"
    );
    // What is the same is told by nobody: the server ends the watch.
    let idle = watch.replace("resourceVersion=1", "resourceVersion=2");
    let idle = said(&mut ask(&cluster, &idle).await, "never").await;
    assert!(idle.contains("200 OK") && !idle.contains("MODIFIED"), "{idle}");
}
