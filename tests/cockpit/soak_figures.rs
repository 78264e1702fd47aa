//! What a long run took, in words and as a picture.

use std::fmt::Write as _;
use std::path::Path;

/// What a process takes at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Seconds since the beginning.
    pub at: u64,
    /// Memory that is in use, in KiB.
    pub memory: u64,
    pub sockets: u64,
    /// Everything that is open, sockets too.
    pub open: u64,
    pub threads: u64,
}

impl Sample {
    /// Asks the kernel; `None` where there is no such process.
    pub fn of(id: u32, at: u64) -> Option<Self> {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let field = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let links = std::fs::read_dir(format!("/proc/{id}/fd")).ok()?.flatten();
        let targets: Vec<_> = links.filter_map(|link| std::fs::read_link(link.path()).ok()).collect();
        let sockets = targets.iter().filter(|to| to.to_string_lossy().starts_with("socket:"));
        Some(Self {
            at,
            memory: field("VmRSS:")?,
            sockets: sockets.count() as u64,
            open: targets.len() as u64,
            threads: field("Threads:")?,
        })
    }
}

/// A whole run.
pub struct Figures {
    pub minutes: u64,
    pub pressed: usize,
    pub samples: Vec<Sample>,
    pub errors: usize,
}

impl Figures {
    /// The second from which on it counts: five minutes, and of a run too short for that a sixth.
    fn settles(&self) -> u64 {
        match self.minutes {
            10.. => 300,
            short => short * 60 / 6,
        }
    }

    fn settled(&self) -> impl Iterator<Item = &Sample> {
        let from = self.settles();
        self.samples.iter().filter(move |sample| sample.at >= from)
    }

    /// Least, middle and most.
    fn spread(&self, of: fn(&Sample) -> u64) -> (u64, u64, u64) {
        let mut all: Vec<u64> = self.settled().map(of).collect();
        all.sort_unstable();
        let first = all.first().copied().unwrap_or(0);
        (
            first,
            all.get(all.len() / 2).copied().unwrap_or(0),
            all.last().copied().unwrap_or(0),
        )
    }

    /// The middle of the first and of the last tenth.
    fn tenths(&self, of: fn(&Sample) -> u64) -> (u64, u64) {
        let all: Vec<u64> = self.settled().map(of).collect();
        let tenth = (all.len() / 10).max(1);
        let middle = |part: &[u64]| {
            let mut part = part.to_vec();
            part.sort_unstable();
            part.get(part.len() / 2).copied().unwrap_or(0)
        };
        (
            middle(&all[..tenth.min(all.len())]),
            middle(&all[all.len().saturating_sub(tenth)..]),
        )
    }

    /// The least of the first and of the last third. Threads come and go in bursts and sockets with faults, so that a middle says
    /// little; what is never given back raises the floor.
    fn floors(&self, of: fn(&Sample) -> u64) -> (u64, u64) {
        let all: Vec<u64> = self.settled().map(of).collect();
        let third = all.len() / 3;
        let least = |part: &[u64]| part.iter().copied().min().unwrap_or(0);
        (least(&all[..third]), least(&all[all.len() - third..]))
    }

    /// Memory stays within a tenth of its middle, and the floors of sockets and threads do not rise.
    pub fn is_flat(&self) -> bool {
        let (least, middle, most) = self.spread(|sample| sample.memory);
        let memory = most * 10 <= middle * 11 && least * 10 >= middle * 9;
        let rises = |of| {
            let (first, last) = self.floors(of);
            last > first + 2
        };
        memory && !rises(|sample| sample.sockets) && !rises(|sample| sample.threads)
    }

    pub fn words(&self) -> String {
        let mib = |kib: u64| kib as f64 / 1024.0;
        let (least, middle, most) = self.spread(|sample| sample.memory);
        let away = |kib: u64| 100.0 * (kib as f64 / middle.max(1) as f64 - 1.0);
        let mut text = format!(
            "{} minutes, {} keys, {} samples. From second {} on:\n\n| | least | middle | most | first tenth | last tenth | floor of the first third | of the last |\n|---|---|---|---|---|---|---|---|\n",
            self.minutes,
            self.pressed,
            self.samples.len(),
            self.settles()
        );
        let (first, last) = self.tenths(|sample| sample.memory);
        let floors = self.floors(|sample| sample.memory);
        let _ = writeln!(
            text,
            "| memory, MiB | {:.1} ({:+.1} %) | {:.1} | {:.1} ({:+.1} %) | {:.1} | {:.1} | {:.1} | {:.1} |",
            mib(least),
            away(least),
            mib(middle),
            mib(most),
            away(most),
            mib(first),
            mib(last),
            mib(floors.0),
            mib(floors.1)
        );
        type Of = fn(&Sample) -> u64;
        let others: [(&str, Of); 3] = [
            ("sockets", |sample| sample.sockets),
            ("open files", |sample| sample.open),
            ("threads", |sample| sample.threads),
        ];
        for (name, of) in others {
            let ((least, middle, most), (first, last)) = (self.spread(of), self.tenths(of));
            let (low, later) = self.floors(of);
            let _ = writeln!(
                text,
                "| {name} | {least} | {middle} | {most} | {first} | {last} | {low} | {later} |"
            );
        }
        let _ = write!(
            text,
            "\nErrors in the log: {}. Memory within a tenth, floors of sockets and threads not rising: {}.",
            self.errors,
            if self.is_flat() { "yes" } else { "no" }
        );
        text
    }

    /// Three curves below one another.
    pub fn picture(&self) -> String {
        type Of = fn(&Sample) -> f64;
        let curves: [(&str, &str, Of); 3] = [
            ("memory, MiB", "#1f77b4", |sample| sample.memory as f64 / 1024.0),
            ("sockets", "#d62728", |sample| sample.sockets as f64),
            ("threads", "#2ca02c", |sample| sample.threads as f64),
        ];
        let (left, width, height) = (60.0, 800.0, 110.0);
        let end = self.samples.last().map_or(1, |sample| sample.at).max(1) as f64;
        let mut out = String::from(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 900 470\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"900\" height=\"470\" fill=\"white\"/>\n",
        );
        for (at, (name, colour, of)) in curves.into_iter().enumerate() {
            let top = 30.0 + 145.0 * at as f64;
            let most = self.samples.iter().map(of).fold(1.0, f64::max) * 1.1;
            let points: Vec<String> = self
                .samples
                .iter()
                .map(|sample| {
                    let x = left + width * sample.at as f64 / end;
                    format!("{x:.1},{:.1}", top + height * (1.0 - of(sample) / most))
                })
                .collect();
            let bottom = top + height;
            let _ = write!(
                out,
                "<text x=\"{left}\" y=\"{}\">{name}</text>\n<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{most:.0}</text>\n\
                 <text x=\"{}\" y=\"{bottom}\" text-anchor=\"end\">0</text>\n\
                 <path d=\"M{left},{top}V{bottom}H{}\" fill=\"none\" stroke=\"#999\"/>\n\
                 <polyline fill=\"none\" stroke=\"{colour}\" points=\"{}\"/>\n",
                top - 8.0,
                left - 6.0,
                top + 10.0,
                left - 6.0,
                left + width,
                points.join(" ")
            );
        }
        let _ = write!(
            out,
            "<text x=\"{}\" y=\"462\" text-anchor=\"end\">{} minutes</text>\n</svg>\n",
            left + width,
            self.minutes
        );
        out
    }
}

/// Writes samples, words and picture into a folder, and into the documents where that is asked for.
pub fn write(figures: &Figures, folder: &Path, into_documents: bool) {
    std::fs::create_dir_all(folder).expect("a folder");
    let mut table = String::from("second\tmemory_kib\tsockets\topen\tthreads\n");
    for sample in &figures.samples {
        let Sample {
            at,
            memory,
            sockets,
            open,
            threads,
        } = sample;
        let _ = writeln!(table, "{at}\t{memory}\t{sockets}\t{open}\t{threads}");
    }
    std::fs::write(folder.join("soak.tsv"), table).expect("written");
    std::fs::write(folder.join("soak.svg"), figures.picture()).expect("written");
    println!("plot and samples: {}", folder.display());
    if !into_documents {
        return;
    }
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    std::fs::write(docs.join("images/soak.svg"), figures.picture()).expect("written");
    let page = docs.join("RELIABILITY.md");
    let text = std::fs::read_to_string(&page).expect("docs/RELIABILITY.md");
    let (before, rest) = text.split_once("<!-- soak -->\n").expect("where the figures go");
    let (_, after) = rest.split_once("<!-- end of soak -->").expect("where they end");
    let new = format!(
        "{before}<!-- soak -->\n{}\n\n![memory, sockets and threads of the run](images/soak.svg)\n<!-- end of soak -->{after}",
        figures.words()
    );
    std::fs::write(&page, new).expect("written");
}
