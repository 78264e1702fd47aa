//! A server that answers as it is told: over plain TCP, so that it can also lie, stall and break.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pindeck::domain::Repository;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    /// Path and query.
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
    /// Which request for this method and path it is, from 1.
    pub nth: usize,
    /// The connection is cut, and `body` is what had arrived.
    pub is_cut: bool,
}

/// What to do with a request.
pub enum Reply {
    /// An honest answer.
    Full {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// These bytes, then close.
    Raw(Vec<u8>),
    /// These bytes, then nothing for ever.
    Stall(Vec<u8>),
    /// These bytes, then zeroes without end.
    Endless(Vec<u8>),
    /// Close without a word.
    Reset,
    /// The same after a while.
    After(Duration, Box<Reply>),
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::Full {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        if let Self::Full { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.into()));
        }
        self
    }

    pub fn error(status: u16, code: &str) -> Self {
        Self::new(status, format!(r#"{{"errors":[{{"code":"{code}","message":"m"}}]}}"#))
            .with("Content-Type", "application/json")
    }
}

pub type Handler = dyn Fn(&Seen) -> Reply + Send + Sync;

/// A running server. It ends with the runtime.
pub struct Server {
    pub address: SocketAddr,
    log: Arc<RequestLog>,
}

/// What was asked. To look for earlier requests like the newest costs time for each of them, so a server that is asked a hundred
/// thousand times keeps numbers only.
struct RequestLog {
    keeps: bool,
    seen: Mutex<Vec<Seen>>,
    total: AtomicUsize,
    /// After how many bytes the next body that is longer is cut; 0 = none is.
    cuts_after: AtomicUsize,
}

impl Server {
    pub async fn start(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(handler, true).await
    }

    /// A server that counts requests and keeps none of them; `nth` is 0 in all.
    pub async fn start_without_log(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(handler, false).await
    }

    async fn start_with(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static, keeps: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let log = Arc::new(RequestLog {
            keeps,
            seen: Mutex::default(),
            total: AtomicUsize::new(0),
            cuts_after: AtomicUsize::new(0),
        });
        let (shared, handler): (_, Arc<Handler>) = (Arc::clone(&log), Arc::new(handler));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared), Arc::clone(&handler)));
            }
        });
        Self { address, log }
    }

    /// Cuts the connection once, when so many bytes of a longer body have arrived.
    pub fn cut_after(&self, bytes: usize) {
        self.log.cuts_after.store(bytes, Ordering::SeqCst);
    }

    /// A repository on this server.
    pub fn repository(&self, path: &str) -> Repository {
        Repository::parse(&format!("{}/{path}", self.address)).expect("valid")
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.log.seen.lock().expect("not poisoned").clone()
    }

    /// How many requests so far.
    pub fn total(&self) -> usize {
        self.log.total.load(Ordering::SeqCst)
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.log.seen.lock().expect("not poisoned").clear();
        self.log.total.store(0, Ordering::SeqCst);
    }
}

async fn serve(mut stream: TcpStream, log: Arc<RequestLog>, handler: Arc<Handler>) {
    let mut buffer = Vec::new();
    while let Some(seen) = read_request(&mut stream, &mut buffer, &log).await {
        let reply = handler(&seen);
        log.total.fetch_add(1, Ordering::SeqCst);
        if log.keeps {
            log.seen.lock().expect("not poisoned").push(seen.clone());
        }
        let done = seen.is_cut
            || match now(reply).await {
                Reply::Full { status, headers, body } => {
                    let mut head = format!("HTTP/1.1 {status} x\r\n");
                    for (name, value) in &headers {
                        head.push_str(&format!("{name}: {value}\r\n"));
                    }
                    if !headers.iter().any(|(name, _)| name == "Content-Length") {
                        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
                    }
                    let mut raw = format!("{head}\r\n").into_bytes();
                    if seen.method != "HEAD" {
                        raw.extend(body);
                    }
                    stream.write_all(&raw).await.is_err()
                }
                Reply::Raw(bytes) => {
                    let _ = stream.write_all(&bytes).await;
                    true
                }
                Reply::Stall(bytes) => {
                    let _ = stream.write_all(&bytes).await;
                    // Until the client gives up.
                    let _ = stream.read(&mut [0; 64]).await;
                    true
                }
                Reply::Endless(bytes) => {
                    let mut broken = stream.write_all(&bytes).await.is_err();
                    while !broken {
                        broken = stream.write_all(&[b'0'; 65536]).await.is_err();
                    }
                    true
                }
                Reply::Reset | Reply::After(..) => true,
            };
        if done {
            return;
        }
    }
}

/// The answer, once its time has come.
async fn now(mut reply: Reply) -> Reply {
    while let Reply::After(wait, later) = reply {
        tokio::time::sleep(wait).await;
        reply = *later;
    }
    reply
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>, log: &RequestLog) -> Option<Seen> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    buffer.drain(..end + 4);
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut is_cut = false;
    let body = match headers.get("content-length").and_then(|n| n.parse::<usize>().ok()) {
        Some(mut length) => {
            let most = log.cuts_after.load(Ordering::SeqCst);
            if most > 0 && length > most {
                log.cuts_after.store(0, Ordering::SeqCst);
                (length, is_cut) = (most, true);
            }
            while buffer.len() < length {
                if stream.read_buf(buffer).await.ok()? == 0 {
                    return None;
                }
            }
            buffer.drain(..length).collect()
        }
        None if headers.contains_key("transfer-encoding") => read_chunks(stream, buffer).await?,
        None => Vec::new(),
    };
    let earlier = log.seen.lock().expect("not poisoned");
    let same = earlier.iter().filter(|s| s.method == method && s.path == path).count();
    drop(earlier);
    let nth = same + usize::from(log.keeps);
    Some(Seen {
        method,
        path,
        headers,
        body,
        nth,
        is_cut,
    })
}

async fn read_chunks(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = loop {
            if let Some(at) = buffer.windows(2).position(|w| w == b"\r\n") {
                break at;
            }
            if stream.read_buf(buffer).await.ok()? == 0 {
                return None;
            }
        };
        let size = usize::from_str_radix(std::str::from_utf8(&buffer[..line]).ok()?, 16).ok()?;
        while buffer.len() < line + 2 + size + 2 {
            if stream.read_buf(buffer).await.ok()? == 0 {
                return None;
            }
        }
        body.extend_from_slice(&buffer[line + 2..line + 2 + size]);
        buffer.drain(..line + 2 + size + 2);
        if size == 0 {
            return Some(body);
        }
    }
}
