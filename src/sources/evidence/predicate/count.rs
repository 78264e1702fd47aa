//! Counting the elements of a list without keeping them.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};

/// How long a list is, without keeping it in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct ListLength(pub u32);

impl<'de> serde::Deserialize<'de> for ListLength {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct ListLengthVisitor;
        impl<'de> Visitor<'de> for ListLengthVisitor {
            type Value = ListLength;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<ListLength, A::Error> {
                let mut count = 0u32;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    count = count.saturating_add(1);
                }
                Ok(ListLength(count))
            }

            fn visit_unit<E>(self) -> Result<ListLength, E> {
                Ok(ListLength(0))
            }
        }
        from.deserialize_any(ListLengthVisitor)
    }
}
