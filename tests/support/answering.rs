//! A registry that gives every question the same answer.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

/// Answers every request with these bytes (of a HEAD only the head), as long as the test runs. Returns the port.
pub fn answer_all(head: &str, body: &str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let (head, body) = (head.to_owned(), body.to_owned());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let (head, body) = (head.clone(), body.clone());
            std::thread::spawn(move || {
                let Ok(copy) = stream.try_clone() else { return };
                let mut lines = BufReader::new(copy).lines().map_while(Result::ok);
                let first = lines.next().unwrap_or_default();
                lines.take_while(|line| !line.is_empty()).for_each(drop);
                let mut answer = format!(
                    "HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                if !first.starts_with("HEAD ") {
                    answer.push_str(&body);
                }
                let _ = stream.write_all(answer.as_bytes());
            });
        }
    });
    port
}
