//! Reading: the type says what comes next.

use serde::de::{self, DeserializeSeed, IntoDeserializer as _, Visitor};

use super::bytes::{CompactError, take_bytes, take_number};

/// Reads values one after the other.
pub(super) struct CompactReader<'b>(&'b [u8]);

impl<'b> CompactReader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    fn number(&mut self) -> Result<u64, CompactError> {
        take_number(&mut self.0).ok_or(CompactError)
    }

    fn signed(&mut self) -> Result<i64, CompactError> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }

    fn flag(&mut self) -> Result<bool, CompactError> {
        match self.number()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(CompactError),
        }
    }

    fn bytes(&mut self) -> Result<&'b [u8], CompactError> {
        let length = self.number()?;
        take_bytes(&mut self.0, length).ok_or(CompactError)
    }

    fn text(&mut self) -> Result<&'b str, CompactError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| CompactError)
    }

    /// How many parts there are: no more than there are bytes, for parts of nothing are not kept in lists.
    fn length(&mut self) -> Result<usize, CompactError> {
        let length = usize::try_from(self.number()?).map_err(|_| CompactError)?;
        (length <= self.0.len()).then_some(length).ok_or(CompactError)
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $number:ident),*) => {$(
        fn $method<V: Visitor<'b>>(self, visitor: V) -> Result<V::Value, CompactError> {
            visitor.$visit(self.$number()?)
        }
    )*};
}

impl<'b> de::Deserializer<'b> for &mut CompactReader<'b> {
    type Error = CompactError;

    numbers!(
        deserialize_bool visit_bool flag,
        deserialize_i8 visit_i64 signed,
        deserialize_i16 visit_i64 signed,
        deserialize_i32 visit_i64 signed,
        deserialize_i64 visit_i64 signed,
        deserialize_u8 visit_u64 number,
        deserialize_u16 visit_u64 number,
        deserialize_u32 visit_u64 number,
        deserialize_u64 visit_u64 number,
        deserialize_str visit_borrowed_str text,
        deserialize_string visit_borrowed_str text,
        deserialize_bytes visit_borrowed_bytes bytes,
        deserialize_byte_buf visit_borrowed_bytes bytes
    );

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'b>>(self, _: V) -> Result<V::Value, CompactError> {
        Err(CompactError)
    }

    fn deserialize_f32<V: Visitor<'b>>(self, _: V) -> Result<V::Value, CompactError> {
        Err(CompactError)
    }

    fn deserialize_f64<V: Visitor<'b>>(self, _: V) -> Result<V::Value, CompactError> {
        Err(CompactError)
    }

    fn deserialize_char<V: Visitor<'b>>(self, visitor: V) -> Result<V::Value, CompactError> {
        let number = u32::try_from(self.number()?).ok();
        visitor.visit_char(number.and_then(char::from_u32).ok_or(CompactError)?)
    }

    fn deserialize_option<V: Visitor<'b>>(self, visitor: V) -> Result<V::Value, CompactError> {
        match self.flag()? {
            true => visitor.visit_some(self),
            false => visitor.visit_none(),
        }
    }

    fn deserialize_unit<V: Visitor<'b>>(self, visitor: V) -> Result<V::Value, CompactError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'b>>(self, _: &'static str, visitor: V) -> Result<V::Value, CompactError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'b>>(self, _: &'static str, visitor: V) -> Result<V::Value, CompactError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'b>>(self, visitor: V) -> Result<V::Value, CompactError> {
        let left = self.length()?;
        visitor.visit_seq(CompactParts { reader: self, left })
    }

    fn deserialize_tuple<V: Visitor<'b>>(self, length: usize, visitor: V) -> Result<V::Value, CompactError> {
        visitor.visit_seq(CompactParts {
            reader: self,
            left: length,
        })
    }

    fn deserialize_tuple_struct<V: Visitor<'b>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, CompactError> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'b>>(self, visitor: V) -> Result<V::Value, CompactError> {
        let left = self.length()?;
        visitor.visit_map(CompactParts { reader: self, left })
    }

    fn deserialize_struct<V: Visitor<'b>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CompactError> {
        self.deserialize_tuple(fields.len(), visitor)
    }

    fn deserialize_enum<V: Visitor<'b>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CompactError> {
        visitor.visit_enum(self)
    }

    fn deserialize_identifier<V: Visitor<'b>>(self, _: V) -> Result<V::Value, CompactError> {
        Err(CompactError)
    }

    fn deserialize_ignored_any<V: Visitor<'b>>(self, _: V) -> Result<V::Value, CompactError> {
        Err(CompactError)
    }
}

/// The parts of a list, a map or a struct.
struct CompactParts<'r, 'b> {
    reader: &'r mut CompactReader<'b>,
    left: usize,
}

impl CompactParts<'_, '_> {
    /// Whether there is one more, which is read now.
    fn step(&mut self) -> bool {
        let more = self.left.checked_sub(1);
        self.left = more.unwrap_or(0);
        more.is_some()
    }
}

impl<'b> de::SeqAccess<'b> for CompactParts<'_, 'b> {
    type Error = CompactError;

    fn next_element_seed<T: DeserializeSeed<'b>>(&mut self, seed: T) -> Result<Option<T::Value>, CompactError> {
        match self.step() {
            true => seed.deserialize(&mut *self.reader).map(Some),
            false => Ok(None),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'b> de::MapAccess<'b> for CompactParts<'_, 'b> {
    type Error = CompactError;

    fn next_key_seed<K: DeserializeSeed<'b>>(&mut self, seed: K) -> Result<Option<K::Value>, CompactError> {
        de::SeqAccess::next_element_seed(self, seed)
    }

    fn next_value_seed<V: DeserializeSeed<'b>>(&mut self, seed: V) -> Result<V::Value, CompactError> {
        seed.deserialize(&mut *self.reader)
    }
}

impl<'b> de::EnumAccess<'b> for &mut CompactReader<'b> {
    type Error = CompactError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'b>>(self, seed: V) -> Result<(V::Value, Self), CompactError> {
        let index = u32::try_from(self.number()?).map_err(|_| CompactError)?;
        let variant = seed.deserialize(index.into_deserializer())?;
        Ok((variant, self))
    }
}

impl<'b> de::VariantAccess<'b> for &mut CompactReader<'b> {
    type Error = CompactError;

    fn unit_variant(self) -> Result<(), CompactError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'b>>(self, seed: T) -> Result<T::Value, CompactError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'b>>(self, length: usize, visitor: V) -> Result<V::Value, CompactError> {
        de::Deserializer::deserialize_tuple(self, length, visitor)
    }

    fn struct_variant<V: Visitor<'b>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CompactError> {
        de::Deserializer::deserialize_tuple(self, fields.len(), visitor)
    }
}
