//! Registries whose answers wait until a scheduler lets them go, one by one and in the order it chooses.
//!
//! Nothing is timed. The scheduler acts when the whole process is at rest: every other thread sleeps, and
//! none has run between two looks. Then all questions that can be asked have been asked, and which of the
//! waiting answers comes next is the only thing left to decide.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::fake::Fake;
use super::server::{Reply, Seen};

/// A question that waits for its answer: the registry's name, the method and the path.
pub type Question = (&'static str, String, String);

/// Two schedulers of one process would each wait for the other one to come to rest.
static ONE_RUN: Mutex<()> = Mutex::new(());

#[derive(Default)]
struct Waiting {
    next: u64,
    questions: BTreeMap<u64, Question>,
}

/// The scheduler of a run.
#[derive(Clone, Default)]
pub struct Scheduler {
    waiting: Arc<(Mutex<Waiting>, Condvar)>,
}

impl Scheduler {
    /// Serves a registry on a port of its own, in threads.
    pub fn serve(&self, name: &'static str, fake: Fake) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let this = self.clone();
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let (this, fake) = (this.clone(), fake.clone());
                std::thread::spawn(move || this.connection(name, stream, &fake));
            }
        });
        address
    }

    fn connection(&self, name: &'static str, mut stream: TcpStream, fake: &Fake) {
        while let Some(seen) = read(&mut stream) {
            self.wait((name, seen.method.clone(), seen.path.clone()));
            let Reply::Full { status, headers, body } = fake.answer(&seen) else {
                return;
            };
            let mut raw = format!("HTTP/1.1 {status} x\r\n");
            for (name, value) in &headers {
                raw.push_str(&format!("{name}: {value}\r\n"));
            }
            raw.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
            let mut raw = raw.into_bytes();
            if seen.method != "HEAD" {
                raw.extend(body);
            }
            if stream.write_all(&raw).is_err() {
                return;
            }
        }
    }

    fn wait(&self, question: Question) {
        let (lock, released) = &*self.waiting;
        let mut waiting = lock.lock().expect("not poisoned");
        let id = waiting.next;
        waiting.next += 1;
        waiting.questions.insert(id, question);
        while waiting.questions.contains_key(&id) {
            waiting = released.wait(waiting).expect("not poisoned");
        }
    }

    /// The waiting questions, sorted, once everything else is at rest; `None` when `done` is set.
    fn at_rest(&self, done: &Mutex<bool>) -> Option<Vec<Question>> {
        loop {
            let before = threads();
            let waiting = {
                let waiting = self.waiting.0.lock().expect("not poisoned");
                let mut list: Vec<Question> = waiting.questions.values().cloned().collect();
                list.sort();
                list
            };
            if *done.lock().expect("not poisoned") {
                return None;
            }
            if let (Some(before), Some(after)) = (before, threads())
                && before == after
                && !waiting.is_empty()
            {
                return Some(waiting);
            }
            std::thread::yield_now();
        }
    }

    fn release(&self, question: &Question) {
        let (lock, released) = &*self.waiting;
        let mut waiting = lock.lock().expect("not poisoned");
        waiting.questions.retain(|_, asked| asked != question);
        released.notify_all();
    }

    /// Runs `work` in a thread and lets the answers go as `choose` says: it gets the waiting questions and
    /// gives the index of the one to answer.
    pub fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
        mut choose: impl FnMut(&[Question]) -> usize,
    ) -> T {
        let _alone = ONE_RUN.lock().unwrap_or_else(PoisonError::into_inner);
        let done = Arc::new(Mutex::new(false));
        let told = Arc::clone(&done);
        let working = std::thread::spawn(move || {
            let result = work();
            *told.lock().expect("not poisoned") = true;
            result
        });
        while let Some(waiting) = self.at_rest(&done) {
            let at = choose(&waiting);
            self.release(&waiting[at]);
        }
        working.join().expect("the work ends well")
    }
}

/// Every order of choices, one after the other, as a counter with digits of different bases.
#[derive(Default)]
pub struct EveryOrder {
    /// The choice taken at each point of the last run, and among how many.
    taken: Vec<(usize, usize)>,
    at: usize,
}

impl EveryOrder {
    /// The next choice of this run, among so many.
    pub fn choose(&mut self, among: usize) -> usize {
        if self.at == self.taken.len() {
            self.taken.push((0, among));
        }
        // A run that is repeated comes to the same points: where it does not, the choice is cut down.
        let choice = self.taken[self.at].0.min(among - 1);
        self.taken[self.at] = (choice, among);
        self.at += 1;
        choice
    }

    /// Begins the next run; `false` after the last.
    pub fn advance(&mut self) -> bool {
        self.taken.truncate(self.at);
        self.at = 0;
        while let Some((choice, among)) = self.taken.pop() {
            if choice + 1 < among {
                self.taken.push((choice + 1, among));
                return true;
            }
        }
        false
    }
}

/// How often each other thread has been switched away from, if all of them sleep.
fn threads() -> Option<BTreeMap<String, String>> {
    let own = std::fs::read_link("/proc/thread-self").ok()?;
    let own = own.file_name()?.to_str()?.to_owned();
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir("/proc/self/task").ok()? {
        let entry = entry.ok()?;
        let id = entry.file_name().to_str()?.to_owned();
        if id == own {
            continue;
        }
        // A thread that ends between the two reads is no rest.
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        if stat.rsplit(") ").next()?.chars().next()? != 'S' {
            return None;
        }
        let status = std::fs::read_to_string(entry.path().join("status")).ok()?;
        let switches: Vec<&str> = status.lines().filter(|line| line.contains("ctxt_switches")).collect();
        all.insert(id, switches.join(" "));
    }
    Some(all)
}

fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Some(Seen {
        method,
        path,
        headers,
        body: Vec::new(),
        nth: 1,
        is_cut: false,
    })
}
