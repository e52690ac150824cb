//! An event as the matcher sees it: the fields some pattern names, with the array elements they sit in
//!
//! Paths join levels with dots, in patterns and in events alike, so `{"a.b":1}` and `{"a":{"b":1}}` are one.
//! Everything no pattern names is skipped while reading. **Invariant:** field numbers grow in the order of the
//! text, so the fields of an array, and of each element of it, are a range of numbers.

use std::{borrow::Cow, collections::HashMap, fmt, ops::Range};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::predicate::Leaf;

pub(super) type PathId = u32;
type NodeId = usize;
const ROOT: NodeId = 0;

/// The paths that patterns name, as a tree of their levels.
#[derive(Debug)]
pub(super) struct Paths {
    nodes: Vec<Node>,
    count: PathId,
}

#[derive(Debug, Default)]
struct Node {
    children: HashMap<String, NodeId>,
    path: Option<PathId>,
}

impl Paths {
    pub(super) fn new() -> Self {
        Self { nodes: vec![Node::default()], count: 0 }
    }

    /// The number of a path, given on first sight.
    pub(super) fn intern(&mut self, path: &str) -> PathId {
        let mut node = ROOT;
        for level in path.split('.') {
            node = match self.nodes[node].children.get(level) {
                Some(child) => *child,
                None => {
                    let child = self.nodes.len();
                    self.nodes.push(Node::default());
                    self.nodes[node].children.insert(level.to_owned(), child);
                    child
                }
            };
        }
        let count = &mut self.count;
        *self.nodes[node].path.get_or_insert_with(|| {
            *count += 1;
            *count - 1
        })
    }

    fn child(&self, mut node: NodeId, key: &str) -> Option<NodeId> {
        for level in key.split('.') {
            node = *self.nodes[node].children.get(level)?;
        }
        Some(node)
    }
}

/// One value of an event.
#[derive(Debug)]
pub(super) struct Field<'e> {
    pub(super) path: PathId,
    pub(super) leaf: Leaf<'e>,
    /// The innermost array element (that is an object) around it.
    pub(super) element: Option<usize>,
}

/// An object inside an array.
#[derive(Debug)]
pub(super) struct Element {
    /// Fields of the whole array; complete once the array was read.
    pub(super) array: usize,
    pub(super) fields: Range<usize>,
    pub(super) parent: Option<usize>,
}

#[derive(Debug)]
pub(super) struct Flat<'e> {
    pub(super) fields: Vec<Field<'e>>,
    pub(super) elements: Vec<Element>,
    /// The field numbers of each array.
    pub(super) arrays: Vec<Range<usize>>,
    /// The field numbers of each path, ascending.
    by_path: Vec<Vec<usize>>,
    /// Fields whose key was written again in the same object.
    overwritten: Vec<Range<usize>>,
}

impl<'e> Flat<'e> {
    /// Reads an event. `None`: the text is not a JSON object.
    pub(super) fn read(event: &'e [u8], paths: &Paths) -> Option<Self> {
        let mut flat = Self {
            fields: Vec::new(),
            elements: Vec::new(),
            arrays: Vec::new(),
            by_path: vec![Vec::new(); paths.count as usize],
            overwritten: Vec::new(),
        };
        let mut json = serde_json::Deserializer::from_slice(event);
        let root = Walk { flat: &mut flat, paths, node: ROOT, element: None, array: None };
        let is_object = root.deserialize(&mut json).ok()?;
        json.end().ok()?;
        if !is_object {
            return None;
        }
        for (number, field) in flat.fields.iter().enumerate() {
            if !flat.overwritten.iter().any(|range| range.contains(&number)) {
                flat.by_path[field.path as usize].push(number);
            }
        }
        Some(flat)
    }

    pub(super) fn numbers_at(&self, path: PathId) -> &[usize] {
        &self.by_path[path as usize]
    }
}

/// Reads one value of the event into the fields; answers whether it was an object.
struct Walk<'w, 'e> {
    flat: &'w mut Flat<'e>,
    paths: &'w Paths,
    node: NodeId,
    element: Option<usize>,
    /// The array this value is an element of.
    array: Option<usize>,
}

impl<'e> Walk<'_, 'e> {
    fn leaf<E>(self, leaf: Leaf<'e>) -> Result<bool, E> {
        if let Some(path) = self.paths.nodes[self.node].path {
            self.flat.fields.push(Field { path, leaf, element: self.element });
        }
        Ok(false)
    }
}

impl<'e> DeserializeSeed<'e> for Walk<'_, 'e> {
    type Value = bool;
    fn deserialize<D: Deserializer<'e>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'e> Visitor<'e> for Walk<'_, 'e> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'e>>(self, mut map: A) -> Result<bool, A::Error> {
        let start = self.flat.fields.len();
        let element = match self.array {
            None => self.element,
            Some(array) => {
                self.flat.elements.push(Element { array, fields: start..start, parent: self.element });
                Some(self.flat.elements.len() - 1)
            }
        };
        let mut seen: Vec<(NodeId, Range<usize>)> = Vec::new();
        while let Some(child) = map.next_key_seed(Key { paths: self.paths, node: self.node })? {
            let Some(node) = child else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if let Some(at) = seen.iter().position(|(earlier, _)| *earlier == node) {
                self.flat.overwritten.push(seen.swap_remove(at).1);
            }
            let from = self.flat.fields.len();
            map.next_value_seed(Walk {
                flat: &mut *self.flat,
                paths: self.paths,
                node,
                element,
                array: None,
            })?;
            seen.push((node, from..self.flat.fields.len()));
        }
        if let (Some(_), Some(element)) = (self.array, element) {
            self.flat.elements[element].fields.end = self.flat.fields.len();
        }
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'e>>(self, mut seq: A) -> Result<bool, A::Error> {
        let array = self.flat.arrays.len();
        let start = self.flat.fields.len();
        self.flat.arrays.push(start..start);
        loop {
            let walk = Walk {
                flat: &mut *self.flat,
                paths: self.paths,
                node: self.node,
                element: self.element,
                array: Some(array),
            };
            if seq.next_element_seed(walk)?.is_none() {
                break;
            }
        }
        self.flat.arrays[array].end = self.flat.fields.len();
        Ok(false)
    }

    fn visit_borrowed_str<E>(self, text: &'e str) -> Result<bool, E> {
        self.leaf(Leaf::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<bool, E> {
        if self.paths.nodes[self.node].path.is_none() {
            return Ok(false);
        }
        self.leaf(Leaf::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, value: bool) -> Result<bool, E> {
        self.leaf(Leaf::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<bool, E> {
        self.leaf(Leaf::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<bool, E> {
        self.leaf(Leaf::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<bool, E> {
        self.leaf(Leaf::Number(value))
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        self.leaf(Leaf::Null)
    }
}

/// Reads a key and answers the node it leads to, without keeping its text.
struct Key<'w> {
    paths: &'w Paths,
    node: NodeId,
}

impl<'e> DeserializeSeed<'e> for Key<'_> {
    type Value = Option<NodeId>;
    fn deserialize<D: Deserializer<'e>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<NodeId>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.paths.child(self.node, key))
    }
}
