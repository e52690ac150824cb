//! One reading of a JSON message for the places some selectors name
//!
//! The selectors are merged into a tree of steps; the message is walked once along it and everything else is
//! skipped. A key written twice counts with its last value, which a walk cannot know in advance: it then begins
//! anew over the parsed message.

use std::{borrow::Cow, collections::HashMap, fmt};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::selector::{Selector, Step};

/// A value at a selected place.
#[derive(Debug, PartialEq)]
pub(super) enum Value<'m> {
    Text(Cow<'m, str>),
    Number(f64, String),
    True,
    False,
    Null,
    Array { contains_null: bool },
    Object,
}

/// A node of the tree of selected places.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    keys: HashMap<String, Place>,
    indexes: HashMap<usize, Place>,
    any_key: Option<Box<Place>>,
    any_element: Option<Box<Place>>,
    /// Numbers of the selectors that end here.
    ends: Vec<usize>,
}

impl Place {
    pub(super) fn add(&mut self, selector: &Selector, number: usize) {
        let mut place = self;
        for step in &selector.steps {
            place = match step {
                Step::Key(key) => place.keys.entry(key.clone()).or_default(),
                Step::Index(index) => place.indexes.entry(*index).or_default(),
                Step::AnyKey => place.any_key.get_or_insert_default(),
                Step::AnyElement => place.any_element.get_or_insert_default(),
            };
        }
        place.ends.push(number);
    }

    /// Calls `found` with selector numbers and values. `false`: the message is not a JSON object, and whatever was
    /// found before that was noticed is void.
    pub(super) fn visit(&self, message: &str, found: &mut dyn FnMut(usize, &Value<'_>)) -> bool {
        let mut kept: Vec<(usize, Value<'_>)> = Vec::new();
        let mut walk = Walked { found: &mut kept, repeated_key: false };
        let mut json = serde_json::Deserializer::from_str(message);
        let is_object = At { places: &[self], walked: &mut walk }.deserialize(&mut json);
        if !is_object.is_ok_and(|kind| kind == Kind::Object) || json.end().is_err() {
            return false;
        }
        if !walk.repeated_key {
            for (number, value) in &kept {
                found(*number, value);
            }
            return true;
        }
        let Ok(parsed) = serde_json::from_str::<serde_json::Value>(message) else { return false };
        let mut kept = Vec::new();
        let mut walk = Walked { found: &mut kept, repeated_key: false };
        if (At { places: &[self], walked: &mut walk }).deserialize(&parsed).is_err() {
            return false;
        }
        for (number, value) in &kept {
            found(*number, value);
        }
        true
    }

    fn in_object<'p>(&'p self, key: &str) -> impl Iterator<Item = &'p Place> + use<'p> {
        self.keys.get(key).into_iter().chain(self.any_key.as_deref())
    }

    fn in_array(&self, index: usize) -> impl Iterator<Item = &Place> {
        self.indexes.get(&index).into_iter().chain(self.any_element.as_deref())
    }
}

struct Walked<'w, 'm> {
    found: &'w mut Vec<(usize, Value<'m>)>,
    repeated_key: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Object,
    Null,
    Other,
}

/// Reads the value at some places.
struct At<'p, 'w, 'k, 'm> {
    places: &'p [&'p Place],
    walked: &'w mut Walked<'k, 'm>,
}

impl<'m> At<'_, '_, '_, 'm> {
    fn end(&mut self, mut value: impl FnMut() -> Value<'m>) {
        for place in self.places {
            for number in &place.ends {
                self.walked.found.push((*number, value()));
            }
        }
    }
}

impl<'m> DeserializeSeed<'m> for At<'_, '_, '_, 'm> {
    type Value = Kind;
    fn deserialize<D: Deserializer<'m>>(self, deserializer: D) -> Result<Kind, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'m> Visitor<'m> for At<'_, '_, '_, 'm> {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'m>>(mut self, mut map: A) -> Result<Kind, A::Error> {
        self.end(|| Value::Object);
        let mut seen: Vec<Cow<'m, str>> = Vec::new();
        while let Some(Key(key)) = map.next_key::<Key<'m>>()? {
            let inner: Vec<&Place> = self.places.iter().flat_map(|place| place.in_object(&key)).collect();
            if inner.is_empty() {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            self.walked.repeated_key |= seen.contains(&key);
            seen.push(key);
            map.next_value_seed(At { places: &inner, walked: &mut *self.walked })?;
        }
        Ok(Kind::Object)
    }

    fn visit_seq<A: SeqAccess<'m>>(mut self, mut seq: A) -> Result<Kind, A::Error> {
        let mut contains_null = false;
        let mut index = 0;
        loop {
            let inner: Vec<&Place> = self.places.iter().flat_map(|place| place.in_array(index)).collect();
            match seq.next_element_seed(At { places: &inner, walked: &mut *self.walked })? {
                None => break,
                Some(kind) => contains_null |= kind == Kind::Null,
            }
            index += 1;
        }
        self.end(|| Value::Array { contains_null });
        Ok(Kind::Other)
    }

    fn visit_borrowed_str<E>(mut self, text: &'m str) -> Result<Kind, E> {
        self.end(|| Value::Text(Cow::Borrowed(text)));
        Ok(Kind::Other)
    }

    fn visit_str<E>(mut self, text: &str) -> Result<Kind, E> {
        self.end(|| Value::Text(Cow::Owned(text.to_owned())));
        Ok(Kind::Other)
    }

    fn visit_bool<E>(mut self, value: bool) -> Result<Kind, E> {
        self.end(|| if value { Value::True } else { Value::False });
        Ok(Kind::Other)
    }

    fn visit_i64<E>(mut self, value: i64) -> Result<Kind, E> {
        self.end(|| Value::Number(value as f64, value.to_string()));
        Ok(Kind::Other)
    }

    fn visit_u64<E>(mut self, value: u64) -> Result<Kind, E> {
        self.end(|| Value::Number(value as f64, value.to_string()));
        Ok(Kind::Other)
    }

    fn visit_f64<E>(mut self, value: f64) -> Result<Kind, E> {
        // `Debug` keeps the `.0` of a whole number, as JSON writers do.
        self.end(|| Value::Number(value, format!("{value:?}")));
        Ok(Kind::Other)
    }

    fn visit_unit<E>(mut self) -> Result<Kind, E> {
        self.end(|| Value::Null);
        Ok(Kind::Null)
    }
}

/// An object's key, borrowed where it is written without escapes.
struct Key<'m>(Cow<'m, str>);

impl<'m> serde::Deserialize<'m> for Key<'m> {
    fn deserialize<D: Deserializer<'m>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'m> Visitor<'m> for Read {
            type Value = Key<'m>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, key: &'m str) -> Result<Key<'m>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }
            fn visit_str<E>(self, key: &str) -> Result<Key<'m>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(Read)
    }
}
