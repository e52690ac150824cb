//! An event as the matcher sees it: the fields some pattern names, with the array elements they sit in
//!
//! A **field** is one value without parts at a path that some pattern names; everything else is passed over
//! uninterpreted. An **element** is an object inside an array.
//! **Invariant:** field numbers grow in the order of the text, so the fields of an array, and of each element of it,
//! are a range of numbers. **Not here:** whether the text is JSON (`keywatch_json::is_json`); of a text that is not, the
//! fields are those some reader might see.

use std::{borrow::Cow, collections::HashMap, ops::Range};

use foldhash::fast::RandomState;
use keywatch_json::{
    DEPTH_MAX, Malformed, resolved,
    scan::{self, StringEnd},
};

use super::{
    paths::{NodeId, Paths, ROOT},
    predicate::Leaf,
};

/// No field, no element.
pub(super) const NONE: u32 = u32::MAX;

/// The path of a field whose name was written again in the same object.
const OVERWRITTEN: NodeId = u32::MAX;

/// One value of an event.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) path: NodeId,
    value: Written,
    /// The innermost element around it.
    pub(super) element: u32,
    /// The next field of the same path.
    pub(super) next: u32,
    /// The number its text has among those asked for at its path.
    pub(super) symbol: u32,
}

impl Field {
    pub(super) fn is_in_element(&self) -> bool {
        self.element != NONE
    }
}

#[derive(Clone, Copy, Debug)]
enum Written {
    /// A range of the event.
    Text(u32, u32),
    /// A range of the texts that were written with escapes.
    Resolved(u32, u32),
    Number(f64),
    Bool(bool),
    Null,
}

/// An object inside an array.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) array: u32,
    pub(super) fields: Range<u32>,
    pub(super) parent: u32,
}

/// The memory of a reading, kept from event to event.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) fields: Vec<Field>,
    pub(super) elements: Vec<Element>,
    /// The field numbers of each array.
    pub(super) arrays: Vec<Range<u32>>,
    /// Texts that were written with escapes, resolved.
    texts: String,
    /// By node: the object in which its name was last seen, and the fields that came of it.
    seen: Vec<Seen>,
    /// By node: the event in which it last had a field, and the first and the last of them.
    heads: Vec<Head>,
    /// The same for names with dots, by object and node: objects inside may come by the same node.
    seen_dotted: HashMap<(u32, NodeId), Range<u32>, RandomState>,
    /// Counts objects and events, so that what is kept of earlier ones is known to be old.
    serial: u32,
    event: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    object: u32,
    from: u32,
    to: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Head {
    event: u32,
    first: u32,
    last: u32,
}

impl Reading {
    /// Reads an event. An error: the text is not a JSON object.
    pub(super) fn read(&mut self, event: &str, paths: &Paths) -> Result<(), Malformed> {
        self.begin(paths.len());
        if event.len() >= NONE as usize {
            return Err(Malformed::Grammar);
        }
        let text = event.as_bytes();
        let start = scan::blanks(text, 0);
        if text.get(start) != Some(&b'{') {
            return Err(Malformed::Grammar);
        }
        let mut walk = Walk { reading: self, paths, event, depth: 0 };
        let end = walk.object(ROOT, start, NONE, NONE)?;
        if scan::blanks(text, end) != text.len() {
            return Err(Malformed::Grammar);
        }
        self.link();
        Ok(())
    }

    fn begin(&mut self, nodes: usize) {
        /// Far from overflow: an event has fewer objects than this.
        const SERIAL_MAX: u32 = 1 << 31;
        self.fields.clear();
        self.elements.clear();
        self.arrays.clear();
        self.texts.clear();
        self.seen_dotted.clear();
        if self.serial > SERIAL_MAX {
            (self.serial, self.event) = (0, 0);
            self.seen.clear();
            self.heads.clear();
        }
        self.serial += 1;
        self.event = self.serial;
        if self.seen.len() < nodes {
            self.seen.resize(nodes, Seen::default());
            self.heads.resize(nodes, Head::default());
        }
    }

    /// Joins the fields of each path, without those that were overwritten.
    fn link(&mut self) {
        for number in 0..self.fields.len() as u32 {
            let path = self.fields[number as usize].path;
            if path == OVERWRITTEN {
                continue;
            }
            let head = &mut self.heads[path as usize];
            if head.event == self.event {
                self.fields[head.last as usize].next = number;
                head.last = number;
            } else {
                *head = Head { event: self.event, first: number, last: number };
            }
        }
    }

    /// Whether the field counts, and was not written again.
    pub(super) fn is_current(&self, field: &Field) -> bool {
        field.path != OVERWRITTEN
    }

    /// The fields of a path, in the order of the text.
    #[inline]
    pub(super) fn at(&self, path: NodeId) -> impl Iterator<Item = &Field> {
        let head = &self.heads[path as usize];
        let mut next = if head.event == self.event { head.first } else { NONE };
        std::iter::from_fn(move || {
            let field = self.fields.get(next as usize)?;
            next = field.next;
            Some(field)
        })
    }

    /// The numbers of the fields of a path, ascending.
    pub(super) fn numbers_at(&self, path: NodeId) -> Vec<u32> {
        let head = &self.heads[path as usize];
        let first = (head.event == self.event).then_some(head.first);
        let next = |number: &u32| Some(self.fields[*number as usize].next).filter(|next| *next != NONE);
        std::iter::successors(first, next).collect()
    }

    #[inline]
    pub(super) fn leaf<'l>(&'l self, field: &Field, event: &'l str) -> Leaf<'l> {
        match field.value {
            Written::Text(from, to) => Leaf::Text(event.get(from as usize..to as usize).unwrap_or_default()),
            Written::Resolved(from, to) => {
                Leaf::Text(self.texts.get(from as usize..to as usize).unwrap_or_default())
            }
            Written::Number(value) => Leaf::Number(value),
            Written::Bool(value) => Leaf::Bool(value),
            Written::Null => Leaf::Null,
        }
    }
}

struct Walk<'w> {
    reading: &'w mut Reading,
    paths: &'w Paths,
    event: &'w str,
    /// Arrays and objects around the place.
    depth: u32,
}

impl Walk<'_> {
    /// Reads the value at `start` as far as it is asked for; where it ends.
    fn value(&mut self, node: NodeId, start: usize, element: u32, array: u32) -> Result<usize, Malformed> {
        let text = self.event.as_bytes();
        let is_leaf = self.paths.index(node).is_some();
        match self.byte(start)? {
            b'{' if self.paths.has_children(node) => self.object(node, start, element, array),
            b'{' => scan::container(text, start),
            b'[' => self.array(node, start, element),
            b'"' => {
                let StringEnd { end, has_escapes } = scan::string(text, start)?;
                if is_leaf {
                    let value = self.text(start + 1, end - 1, has_escapes)?;
                    self.push(node, value, element);
                }
                Ok(end)
            }
            _ => {
                let end = scan::scalar(text, start)?;
                if is_leaf {
                    let value = scalar(self.event.get(start..end).ok_or(Malformed::Grammar)?)?;
                    self.push(node, value, element);
                }
                Ok(end)
            }
        }
    }

    fn push(&mut self, path: NodeId, value: Written, element: u32) {
        self.reading.fields.push(Field { path, value, element, next: NONE, symbol: NONE });
    }

    fn text(&mut self, from: usize, to: usize, has_escapes: bool) -> Result<Written, Malformed> {
        if !has_escapes {
            return Ok(Written::Text(from as u32, to as u32));
        }
        let inside = self.event.get(from..to).ok_or(Malformed::Grammar)?;
        let texts = &mut self.reading.texts;
        let before = texts.len() as u32;
        texts.push_str(&resolved(inside));
        Ok(Written::Resolved(before, texts.len() as u32))
    }

    fn object(&mut self, node: NodeId, open: usize, element: u32, array: u32) -> Result<usize, Malformed> {
        self.enter()?;
        self.reading.serial += 1;
        let object = self.reading.serial;
        let own_element = self.reading.elements.len() as u32;
        let inner = if array == NONE {
            element
        } else {
            let start = self.reading.fields.len() as u32;
            self.reading.elements.push(Element { array, fields: start..start, parent: element });
            own_element
        };
        let mut at = self.blanks(open + 1);
        if self.byte(at)? == b'}' {
            at += 1;
        } else {
            loop {
                at = self.member(node, object, at, inner)?;
                at = self.blanks(at);
                match self.byte(at)? {
                    b',' => at = self.blanks(at + 1),
                    b'}' => break,
                    _ => return Err(Malformed::Grammar),
                }
            }
            at += 1;
        }
        if array != NONE {
            self.reading.elements[own_element as usize].fields.end = self.reading.fields.len() as u32;
        }
        self.depth -= 1;
        Ok(at)
    }

    /// Reads the member whose name is at `at`.
    #[inline]
    fn member(&mut self, node: NodeId, object: u32, at: usize, element: u32) -> Result<usize, Malformed> {
        let text = self.event.as_bytes();
        if self.byte(at)? != b'"' {
            return Err(Malformed::Grammar);
        }
        let StringEnd { end, has_escapes } = scan::string(text, at)?;
        let colon = self.blanks(end);
        if self.byte(colon)? != b':' {
            return Err(Malformed::Grammar);
        }
        let start = self.blanks(colon + 1);
        let child = if has_escapes {
            let name: Cow<'_, str> = resolved(self.event.get(at + 1..end - 1).ok_or(Malformed::Grammar)?);
            self.paths.child(node, name.as_bytes())
        } else {
            self.paths.child(node, &text[at + 1..end - 1])
        };
        let Some(child) = child else { return self.skip(start) };
        let from = self.reading.fields.len() as u32;
        let end = self.value(child.node, start, element, NONE)?;
        let fields = from..self.reading.fields.len() as u32;
        let earlier = if child.by_levels {
            self.reading.seen_dotted.insert((object, child.node), fields)
        } else {
            let seen = &mut self.reading.seen[child.node as usize];
            let earlier = (seen.object == object).then_some(seen.from..seen.to);
            *seen = Seen { object, from: fields.start, to: fields.end };
            earlier
        };
        for number in earlier.unwrap_or_default() {
            self.reading.fields[number as usize].path = OVERWRITTEN;
        }
        Ok(end)
    }

    fn array(&mut self, node: NodeId, open: usize, element: u32) -> Result<usize, Malformed> {
        self.enter()?;
        let array = self.reading.arrays.len() as u32;
        let start = self.reading.fields.len() as u32;
        self.reading.arrays.push(start..start);
        let mut at = self.blanks(open + 1);
        if self.byte(at)? == b']' {
            at += 1;
        } else {
            loop {
                at = self.value(node, at, element, array)?;
                at = self.blanks(at);
                match self.byte(at)? {
                    b',' => at = self.blanks(at + 1),
                    b']' => break,
                    _ => return Err(Malformed::Grammar),
                }
            }
            at += 1;
        }
        self.reading.arrays[array as usize].end = self.reading.fields.len() as u32;
        self.depth -= 1;
        Ok(at)
    }

    fn enter(&mut self) -> Result<(), Malformed> {
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(Malformed::TooDeep) } else { Ok(()) }
    }

    #[inline]
    fn skip(&self, start: usize) -> Result<usize, Malformed> {
        let text = self.event.as_bytes();
        match self.byte(start)? {
            b'"' => scan::string(text, start).map(|found| found.end),
            b'{' | b'[' => scan::container(text, start),
            _ => scan::scalar(text, start),
        }
    }

    #[inline]
    fn blanks(&self, at: usize) -> usize {
        match self.event.as_bytes().get(at) {
            Some(byte) if *byte > b' ' => at,
            _ => scan::blanks(self.event.as_bytes(), at),
        }
    }

    #[inline]
    fn byte(&self, at: usize) -> Result<u8, Malformed> {
        self.event.as_bytes().get(at).copied().ok_or(Malformed::Grammar)
    }
}

fn scalar(written: &str) -> Result<Written, Malformed> {
    match written {
        "true" => Ok(Written::Bool(true)),
        "false" => Ok(Written::Bool(false)),
        "null" => Ok(Written::Null),
        number => number.parse().map(Written::Number).map_err(|_| Malformed::Grammar),
    }
}
