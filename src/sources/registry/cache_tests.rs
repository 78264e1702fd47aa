use super::*;

fn cache(limit: u64) -> (tempfile::TempDir, ContentCache) {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = ContentCache::open(folder.path().join("c"), limit).expect("opens");
    (folder, cache)
}

#[test]
fn keeps_bytes_and_media_type() {
    let (_folder, cache) = cache(1 << 20);
    let digest = Digest::of(b"content\nwith lines");
    assert_eq!(cache.read(&digest), None);
    cache.write(&digest, "application/x", b"content\nwith lines");
    let entry = cache.read(&digest).expect("kept");
    assert_eq!(
        (entry.media_type.as_str(), &entry.bytes[..]),
        ("application/x", &b"content\nwith lines"[..])
    );
    assert_eq!(cache.size().entries, 1);
    assert_eq!(cache.clear().expect("clears").entries, 1);
    assert_eq!(cache.read(&digest), None);
}

#[test]
fn every_kind_of_corruption_is_dropped_and_can_be_written_again() {
    let (_folder, cache) = cache(1 << 20);
    let large = vec![b'c'; SMALL + 1];
    let longer = [b"pindeck1 a\n", &large[..], b"!"].concat();
    let other = [b"pindeck2 a\n", &large[..]].concat();
    for content in [&b"content"[..], &large] {
        let digest = Digest::of(content);
        let path = cache.path(&digest);
        for damage in [
            &b""[..],
            b"pindeck1 a\nconten",
            b"pindeck1 a\ncontent!",
            b"pindeck2 a\ncontent",
            b"content",
            b"pindeck1 \xff\ncontent",
            &[b'x'; 4096],
            &longer,
            &other,
        ] {
            cache.write(&digest, "a", content);
            assert!(cache.read(&digest).is_some());
            if content.len() > SMALL {
                fs::write(&path, damage).expect("damaged");
            } else {
                cache.inner.packs.put(&digest, &[damage]);
            }
            assert_eq!(cache.read(&digest), None, "{damage:?}");
            assert!(!path.exists());
        }
        fs::create_dir_all(&path).expect("a folder in the way");
        assert_eq!(cache.read(&digest), None);
        cache.write(&digest, "a", content);
        let is_small = content.len() <= SMALL;
        assert_eq!(cache.read(&digest).is_some(), is_small, "no error either");
    }
}

#[test]
fn stays_within_its_limit_and_keeps_the_newest() {
    let (_folder, cache) = cache(100_000);
    let mut last = Digest::of(b"");
    for n in 0u32..200 {
        let mut bytes = vec![0u8; 5_000];
        bytes[..4].copy_from_slice(&n.to_le_bytes());
        last = Digest::of(&bytes);
        cache.write(&last, "a", &bytes);
        assert!(cache.size().bytes <= 110_000);
    }
    assert!(cache.read(&last).is_some());
    // Files of their own are bounded as well.
    let cache = ContentCache::open(&cache.inner.root, 1_000_000).expect("opens");
    for n in 0u32..30 {
        let mut bytes = vec![0u8; SMALL + 1];
        bytes[..4].copy_from_slice(&n.to_le_bytes());
        last = Digest::of(&bytes);
        cache.write(&last, "a", &bytes);
        assert!(cache.size().bytes <= 1_000_000);
    }
    assert!(cache.read(&last).is_some());
    let large = vec![1u8; 300_000];
    cache.write(&Digest::of(&large), "a", &large);
    assert!(
        cache.read(&Digest::of(&large)).is_none(),
        "one entry may not fill the cache"
    );
}

#[test]
fn a_media_type_cannot_break_the_layout() {
    let (_folder, cache) = cache(1 << 20);
    let digest = Digest::of(b"x");
    cache.write(&digest, "a\nb", b"x");
    cache.write(&digest, &"a".repeat(5000), b"x");
    assert_eq!(cache.read(&digest), None);
}

#[test]
fn several_writers_and_readers_see_whole_entries_only() {
    let (_folder, cache) = cache(1 << 26);
    let root = cache.inner.root.clone();
    let contents: Vec<Vec<u8>> = (0u8..20).map(|n| vec![n; 10_000 + n as usize]).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            // Its own handle each, as another process would have.
            let cache = ContentCache::open(&root, 1 << 26).expect("opens");
            let contents = &contents;
            scope.spawn(move || {
                for round in 0..10 {
                    for bytes in contents {
                        let digest = Digest::of(bytes);
                        if let Some(entry) = cache.read(&digest) {
                            assert_eq!(entry.bytes, *bytes);
                        }
                        if round % 3 != 0 {
                            cache.write(&digest, "a", bytes);
                        }
                    }
                }
            });
        }
    });
    assert_eq!(cache.size().entries, 20);
}

#[test]
fn only_a_regular_file_of_a_sane_size_is_an_entry() {
    let (folder, cache) = cache(1 << 20);
    let content = vec![b'c'; SMALL + 1];
    let digest = Digest::of(&content);
    let path = cache.path(&digest);
    // The very entry, behind a link: it would hash, and it is somebody else's file.
    cache.write(&digest, "a", &content);
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&path, &elsewhere).expect("moved");
    std::os::unix::fs::symlink(&elsewhere, &path).expect("a link");
    assert_eq!(cache.read(&digest), None);
    assert!(elsewhere.exists(), "what a link leads to is left alone");
    fs::remove_file(&path).expect("removed");
    fs::create_dir(&path).expect("a folder");
    assert_eq!(cache.read(&digest), None);
    fs::remove_dir(&path).expect("removed");
    let file = fs::File::create(&path).expect("a file");
    file.set_len(1 << 40).expect("sparse");
    assert_eq!(cache.read(&digest), None);
    cache.write(&digest, "a", &content);
    assert!(cache.read(&digest).is_some());
}
