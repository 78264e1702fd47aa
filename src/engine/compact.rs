//! Values of the program as few bytes, for what is kept between two runs of the same program: fields in their order and
//! without names, numbers as short as they are. Nothing tells what the bytes mean but the type that they were made of.

mod bytes;
mod read;
mod write;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(super) use bytes::{put_number, take_bytes, take_number};

/// A value as bytes; `None` = it has something that cannot be told in this way.
pub(super) fn encode<T: Serialize + ?Sized>(value: &T) -> Option<Vec<u8>> {
    let mut to = write::CompactWriter::default();
    value.serialize(&mut to).ok()?;
    Some(to.into_bytes())
}

/// The value of some bytes; `None` = they are no such value, or more than one.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let mut from = read::CompactReader::new(bytes);
    let value = T::deserialize(&mut from).ok()?;
    from.is_at_end().then_some(value)
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
