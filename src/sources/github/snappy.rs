//! Snappy's block format (<https://github.com/google/snappy/blob/main/format_description.txt>), unpacked to a cap.

/// The unpacked bytes; `None` if they are more than the cap, or the block is damaged.
pub(super) fn unpacked(block: &[u8], cap: usize) -> Option<Vec<u8>> {
    let mut at = 0;
    let length = usize::try_from(varint(block, &mut at)?).ok()?;
    if length > cap {
        return None;
    }
    let mut out = Vec::with_capacity(length.min(1 << 20));
    while at < block.len() {
        let tag = usize::from(block[at]);
        at += 1;
        match tag & 3 {
            0 => {
                let mut size = tag >> 2;
                if size >= 60 {
                    size = little_endian(block, &mut at, size - 59)?;
                }
                let end = at.checked_add(size.checked_add(1)?)?;
                out.extend_from_slice(block.get(at..end)?);
                at = end;
            }
            1 => {
                let low = little_endian(block, &mut at, 1)?;
                copy(&mut out, ((tag >> 5) << 8) | low, ((tag >> 2) & 7) + 4)?;
            }
            kind => {
                let offset = little_endian(block, &mut at, if kind == 2 { 2 } else { 4 })?;
                copy(&mut out, offset, (tag >> 2) + 1)?;
            }
        }
        if out.len() > length {
            return None;
        }
    }
    (out.len() == length).then_some(out)
}

/// Repeats what was written `offset` bytes before; it may overlap what is being written.
fn copy(out: &mut Vec<u8>, offset: usize, length: usize) -> Option<()> {
    let from = out.len().checked_sub(offset).filter(|_| offset > 0)?;
    for place in from..from + length {
        let byte = *out.get(place)?;
        out.push(byte);
    }
    Some(())
}

fn little_endian(block: &[u8], at: &mut usize, bytes: usize) -> Option<usize> {
    let end = at.checked_add(bytes)?;
    let read = block.get(*at..end)?;
    *at = end;
    Some(
        read.iter()
            .rev()
            .fold(0, |number, byte| (number << 8) | usize::from(*byte)),
    )
}

fn varint(block: &[u8], at: &mut usize) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..35).step_by(7) {
        let byte = *block.get(*at)?;
        *at += 1;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn literals_and_copies_are_unpacked() {
        // "Wikipedia" as one literal.
        assert_eq!(unpacked(b"\x09\x20Wikipedia", 100).as_deref(), Some(&b"Wikipedia"[..]));
        // "ab" and a copy of it that overlaps itself: offset 2, length 6, with one and with two bytes of offset.
        assert_eq!(
            unpacked(&[8, 4, b'a', b'b', 0x09, 2], 100).as_deref(),
            Some(&b"abababab"[..])
        );
        assert_eq!(
            unpacked(&[8, 4, b'a', b'b', 0x16, 2, 0], 100).as_deref(),
            Some(&b"abababab"[..])
        );
        assert_eq!(
            unpacked(&[8, 4, b'a', b'b', 0x17, 2, 0, 0, 0], 100).as_deref(),
            Some(&b"abababab"[..])
        );
        // A literal of 100 bytes has its length in a byte of its own.
        let mut long = vec![100, 60 << 2, 99];
        long.extend([b'x'; 100]);
        assert_eq!(unpacked(&long, 100), Some(vec![b'x'; 100]));
        assert_eq!(unpacked(&long, 99), None, "beyond the cap");
        assert_eq!(unpacked(&[0], 100).as_deref(), Some(&b""[..]));
    }

    #[test]
    fn what_is_damaged_is_refused() {
        for block in [
            &b""[..],
            b"\xff\xff\xff\xff\xff\xff",
            b"\x09\x20Wiki",
            b"\x0a\x20Wikipedia",
            b"\x08\x20Wikipedia",
            &[8, 4, b'a', b'b', 0x09, 3],
            &[8, 4, b'a', b'b', 0x09, 0],
            &[8, 0x09, 2],
        ] {
            assert_eq!(unpacked(block, 100), None, "{block:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_end_within_the_cap(block in prop::collection::vec(any::<u8>(), 0..300)) {
            let out = unpacked(&block, 64);
            prop_assert!(out.is_none_or(|out| out.len() <= 64));
        }

        #[test]
        fn what_is_packed_as_literals_comes_back(text in prop::collection::vec(any::<u8>(), 1..200)) {
            let mut block = Vec::new();
            let mut length = text.len();
            while length >= 128 {
                block.push((length & 0x7f) as u8 | 0x80);
                length >>= 7;
            }
            block.push(length as u8);
            for chunk in text.chunks(60) {
                block.push(((chunk.len() - 1) << 2) as u8);
                block.extend_from_slice(chunk);
            }
            prop_assert_eq!(unpacked(&block, 1000), Some(text));
        }
    }
}
