//! Tells the program which sources it was built of (`PINDECK_SOURCES`): what one build found out in a commit, a build
//! of other sources does not believe.

use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=src");
    // Another parser or git library finds out other things.
    let mut files = vec![PathBuf::from("Cargo.lock"), PathBuf::from("Cargo.toml")];
    for file in &files {
        println!("cargo:rerun-if-changed={}", file.display());
    }
    collect(Path::new("src"), &mut files);
    files.sort();
    // FNV-1a, 64 bits: nobody is kept out by it, it only tells builds apart.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for file in files {
        let name = file.to_string_lossy().into_owned().into_bytes();
        let text = fs::read(&file).unwrap_or_default();
        for byte in name.iter().chain(&[0]).chain(&text).chain(&[0]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    println!("cargo:rustc-env=PINDECK_SOURCES={hash:016x}");
}

fn collect(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, out);
        } else {
            out.push(path);
        }
    }
}
