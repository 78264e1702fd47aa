//! Values of the program as few bytes (postcard), for what is kept between two runs of the same program: fields in their order and
//! without names. Nothing tells what the bytes mean but the type that they were made of.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value as bytes; `None` = it has something that cannot be told in this way.
pub(super) fn encode<T: Serialize + ?Sized>(value: &T) -> Option<Vec<u8>> {
    postcard::to_extend(value, Vec::new()).ok()
}

/// The value of some bytes; `None` = they are no such value, or more than one.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    rest.is_empty().then_some(value)
}

/// Appends a piece of bytes, with its length before it.
pub(super) fn put_piece(to: &mut Vec<u8>, piece: &[u8]) {
    let length = u32::try_from(piece.len()).unwrap_or(u32::MAX);
    to.extend_from_slice(&length.to_le_bytes());
    to.extend_from_slice(piece);
}

/// Takes a piece from the front.
pub(super) fn take_piece<'b>(from: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (length, rest) = from.split_first_chunk()?;
    let (piece, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    *from = rest;
    Some(piece)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    /// All the kinds of things that types are made of.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Thing {
        Nothing,
        Number(u32),
        Less(i64),
        Several(bool, String, char),
        Named {
            of: Option<Box<Thing>>,
            range: std::ops::Range<usize>,
        },
        List(Vec<Thing>),
        Map(BTreeMap<String, (u8, ())>),
    }

    fn thing() -> impl Strategy<Value = Thing> {
        let leaf = prop_oneof![
            Just(Thing::Nothing),
            any::<u32>().prop_map(Thing::Number),
            any::<i64>().prop_map(Thing::Less),
            (any::<bool>(), ".*", any::<char>()).prop_map(|(a, b, c)| Thing::Several(a, b, c)),
            prop::collection::btree_map(".*", (any::<u8>(), Just(())), 0..4).prop_map(Thing::Map),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let of = prop::option::of(inner.clone().prop_map(Box::new));
            prop_oneof![
                (of, any::<std::ops::Range<usize>>()).prop_map(|(of, range)| Thing::Named { of, range }),
                prop::collection::vec(inner, 0..4).prop_map(Thing::List),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(thing in thing()) {
            let bytes = encode(&thing).expect("written");
            prop_assert_eq!(decode::<Thing>(&bytes), Some(thing));
            for end in 0..bytes.len() {
                prop_assert_eq!(decode::<Thing>(&bytes[..end]), None);
            }
        }

        #[test]
        fn other_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode::<Thing>(&bytes);
            let _ = decode::<Vec<String>>(&bytes);
        }
    }
}
