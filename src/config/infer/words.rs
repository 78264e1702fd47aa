//! Words that speak of an environment in the name of a folder or a file. Pure.

/// What a known word says: its place in the promotion order, and which spellings are one environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word {
    /// Place in the promotion order; environments of one rank stand beside each other.
    pub rank: u8,
    /// Words of one number are spellings of one environment (`prod`, `production`).
    pub spelling: u8,
    /// The word often means something else (`test/` has tests): alone it says nothing.
    ambiguous: bool,
}

const fn clear(rank: u8, spelling: u8) -> Word {
    Word {
        rank,
        spelling,
        ambiguous: false,
    }
}

const fn ambiguous(rank: u8, spelling: u8) -> Word {
    Word {
        rank,
        spelling,
        ambiguous: true,
    }
}

/// Names that mean an environment.
const KNOWN: [(&str, Word); 44] = [
    ("local", ambiguous(0, 0)),
    ("sandbox", ambiguous(0, 1)),
    ("dev", clear(1, 2)),
    ("develop", clear(1, 2)),
    ("development", clear(1, 2)),
    ("preview", ambiguous(1, 14)),
    ("lab", ambiguous(1, 21)),
    ("ci", ambiguous(2, 3)),
    ("test", ambiguous(2, 4)),
    ("testing", ambiguous(2, 4)),
    ("tst", ambiguous(2, 4)),
    ("int", ambiguous(3, 5)),
    ("integration", clear(3, 5)),
    ("qa", clear(3, 6)),
    ("e2e", ambiguous(3, 7)),
    ("sit", ambiguous(3, 20)),
    ("nonprod", clear(4, 8)),
    ("nonprd", clear(4, 8)),
    ("non-prod", clear(4, 8)),
    ("stage", clear(5, 9)),
    ("stg", clear(5, 9)),
    ("staging", clear(5, 9)),
    ("uat", clear(6, 10)),
    ("acceptance", clear(6, 11)),
    ("acc", ambiguous(6, 11)),
    ("demo", ambiguous(6, 12)),
    ("perf", ambiguous(6, 19)),
    ("pre", ambiguous(7, 13)),
    ("preprd", clear(7, 13)),
    ("pre-prd", clear(7, 13)),
    ("pprod", clear(7, 13)),
    ("preprod", clear(7, 13)),
    ("pre-prod", clear(7, 13)),
    ("preproduction", clear(7, 13)),
    ("pre-production", clear(7, 13)),
    ("canary", ambiguous(8, 15)),
    ("pilot", ambiguous(8, 22)),
    ("prd", clear(PRODUCTION, 16)),
    ("prod", clear(PRODUCTION, 16)),
    ("production", clear(PRODUCTION, 16)),
    ("live", ambiguous(PRODUCTION, 17)),
    ("dr", ambiguous(10, 18)),
    ("disaster-recovery", clear(10, 18)),
    ("disasterrecovery", clear(10, 18)),
];

/// From this rank on customers are served.
pub(super) const PRODUCTION: u8 = 9;

/// Where an environment of unknown name stands among the known ones.
const UNKNOWN_RANK: u8 = 5;

/// Parts of the names of regions, zones and sites, as cloud providers and people write them.
const REGION: [&str; 40] = [
    "us",
    "eu",
    "ap",
    "ca",
    "sa",
    "me",
    "af",
    "cn",
    "uk",
    "gb",
    "de",
    "fr",
    "nl",
    "ie",
    "in",
    "jp",
    "au",
    "br",
    "sg",
    "asia",
    "europe",
    "america",
    "africa",
    "emea",
    "apac",
    "amer",
    "latam",
    "global",
    "east",
    "west",
    "north",
    "south",
    "central",
    "northeast",
    "northwest",
    "southeast",
    "southwest",
    "gov",
    "euw",
    "use",
];

/// Words before a number that say that places follow one another in that order.
const WAVES: [&str; 5] = ["ring", "wave", "phase", "tier", "step"];

/// The known word that a whole name is, whatever its case.
pub(super) fn known(name: &str) -> Option<Word> {
    let lower = name.to_ascii_lowercase();
    KNOWN.iter().find(|(known, _)| *known == lower).map(|(_, word)| *word)
}

/// Whether a name alone, with no other environment beside it, says that it is one.
pub(super) fn is_clear(name: &str) -> bool {
    known(name).map_or_else(|| is_compound(name), |word| !word.ambiguous)
}

/// The parts of a name, split at `-`, `_` and `.`, without the digits at their ends.
fn parts(name: &str) -> Vec<String> {
    name.split(['-', '_', '.'])
        .map(|part| part.trim_end_matches(|c: char| c.is_ascii_digit()).to_ascii_lowercase())
        .filter(|part| !part.is_empty())
        .collect()
}

/// Whether every part is a region or a number (`eu`, `us-east-1`).
pub(super) fn is_region(name: &str) -> bool {
    let parts = parts(name);
    !parts.is_empty()
        && parts
            .iter()
            .all(|part| REGION.contains(&part.as_str()) || is_zone(part))
}

/// A single letter, as in `us-east-1a`.
fn is_zone(part: &str) -> bool {
    part.len() == 1 && part.chars().all(|c| c.is_ascii_alphabetic())
}

/// Whether a name is made of one known word, regions and numbers only (`us-prod`, `prod-eu-1`, `dev2`): then
/// the whole name is what its owner calls the environment.
pub(super) fn is_compound(name: &str) -> bool {
    let parts = parts(name);
    let mut words = 0;
    let mut at = 0;
    while at < parts.len() {
        let pair = parts.get(at + 1).map(|next| format!("{}-{next}", parts[at]));
        if pair.is_some_and(|pair| known(&pair).is_some()) {
            words += 1;
            at += 2;
        } else if known(&parts[at]).is_some() {
            words += 1;
            at += 1;
        } else if REGION.contains(&parts[at].as_str()) || is_zone(&parts[at]) {
            at += 1;
        } else {
            return false;
        }
    }
    words == 1
}

/// Whether a name is an environment's by its words: a known one, or one made of them.
pub(super) fn is_environment(name: &str) -> bool {
    known(name).is_some() || is_compound(name)
}

/// The place of a name in the promotion order: of the name itself, else of a word in it
/// (`prod-eu-1`, `cluster.staging`). `None` where no word speaks.
pub(super) fn rank(name: &str) -> Option<u8> {
    if let Some(word) = known(name) {
        return Some(word.rank);
    }
    let words = parts(name);
    let pairs = words.windows(2).map(|pair| pair.join("-"));
    let mut all = pairs.chain(words.iter().rev().cloned());
    all.find_map(|word| known(&word).map(|word| word.rank))
}

/// Where an environment stands in the promotion order: its rank, then the number of its ring or wave. Those
/// of one place stand beside each other: neither comes before the other.
pub(super) fn order(name: &str) -> (u8, u32) {
    (rank(name).unwrap_or(UNKNOWN_RANK), wave(name))
}

/// A step that a name says it is: of the environments of known names, or of rings and waves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// The number of a ring or wave, counted from 1.
    Wave(u32),
    /// The place of a known name.
    Known(u8),
}

impl Step {
    /// Whether a digest goes from here to the other: a ring of some applications and an environment of others say
    /// nothing about each other.
    pub(super) fn is_before(self, other: Self) -> bool {
        match (self, other) {
            (Self::Wave(a), Self::Wave(b)) => a < b,
            (Self::Known(a), Self::Known(b)) => a < b,
            (Self::Wave(_), Self::Known(_)) | (Self::Known(_), Self::Wave(_)) => false,
        }
    }
}

/// The step that a name says it is; `None` where it says nothing.
pub(super) fn step(name: &str) -> Option<Step> {
    let wave = Some(wave(name)).filter(|wave| *wave > 0);
    rank(name).map(Step::Known).or(wave.map(Step::Wave))
}

/// Whether a name is that of a ring or wave with its number.
pub(super) fn is_wave(name: &str) -> bool {
    wave(name) > 0
}

/// The number of a ring or wave, counted from 1; 0 where the name is none.
fn wave(name: &str) -> u32 {
    let lower = name.to_ascii_lowercase();
    let number = WAVES.iter().find_map(|word| {
        let rest = lower.strip_prefix(word)?;
        rest.trim_start_matches(['-', '_', '.']).parse::<u32>().ok()
    });
    number.map_or(0, |number| number.saturating_add(1))
}

/// Whether the name says that customers are served there.
pub(super) fn is_production(name: &str) -> bool {
    rank(name).is_some_and(|rank| rank >= PRODUCTION)
}

/// A name with its numbers filled up, so that `ring-10` comes after `ring-9`.
pub(super) fn natural(name: &str) -> String {
    let mut out = String::new();
    let mut digits = String::new();
    let flush = |digits: &mut String, out: &mut String| {
        if !digits.is_empty() {
            out.push_str(&format!("{digits:0>12}"));
            digits.clear();
        }
    };
    for c in name.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
        } else {
            flush(&mut digits, &mut out);
            out.push(c);
        }
    }
    flush(&mut digits, &mut out);
    out
}
