//! One walk through a JSON message for the places some selectors name
//!
//! The selectors are merged into a tree of steps. The message is walked along it and everything else is passed over,
//! uninterpreted: only what a selector leads to is read. A name written twice in an object counts with its last
//! value, so an object is passed over as a whole before its values are looked into.
//!
//! **Invariant:** of a text that is JSON the walk finds what a parser would. **Not here:** whether it is JSON
//! (`keywatch_json::is_json`), which is only asked of messages that would match.

use std::{borrow::Cow, collections::HashMap};

use keywatch_json::{
    Malformed, resolved,
    scan::{self, StringEnd},
};

use super::selector::{Selector, Step};

/// A value at a selected place.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'m> {
    Text(Cow<'m, str>),
    /// The number and its text, which is the shortest that reads as the same number, but for whole numbers written
    /// as such.
    Number(f64, Cow<'m, str>),
    True,
    False,
    Null,
    Array {
        contains_null: bool,
    },
    Object,
}

type NodeId = usize;
const ROOT: NodeId = 0;

/// The tree of selected places.
#[derive(Clone, Debug)]
pub(super) struct Places {
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    keys: Vec<(Box<str>, NodeId)>,
    indexes: Vec<(usize, NodeId)>,
    any_key: Option<NodeId>,
    any_element: Option<NodeId>,
    /// Numbers of the selectors that end here.
    ends: Vec<usize>,
}

impl Default for Places {
    fn default() -> Self {
        Self { nodes: vec![Node::default()] }
    }
}

impl Places {
    pub(super) fn add(&mut self, selector: &Selector, number: usize) {
        let mut node = ROOT;
        for step in &selector.steps {
            let fresh = self.nodes.len();
            let at = &mut self.nodes[node];
            node = match step {
                Step::Key(key) => {
                    child(&mut at.keys, fresh, |known| **known == **key, || key.as_str().into())
                }
                Step::Index(index) => child(&mut at.indexes, fresh, |known| known == index, || *index),
                Step::AnyKey => *at.any_key.get_or_insert(fresh),
                Step::AnyElement => *at.any_element.get_or_insert(fresh),
            };
            if node == fresh {
                self.nodes.push(Node::default());
            }
        }
        self.nodes[node].ends.push(number);
    }

    /// Selector numbers with the values they lead to. `None`: the message is no JSON object. Of a text that is not
    /// JSON it may find something all the same.
    pub(super) fn find<'m>(&self, message: &'m str) -> Option<Vec<(usize, Value<'m>)>> {
        let mut walk = Walk { places: self, text: message, found: Vec::new(), members: Vec::new() };
        let start = scan::blanks(message.as_bytes(), 0);
        if message.as_bytes().get(start) != Some(&b'{') {
            return None;
        }
        let end = walk.value(ROOT, start).ok()?;
        let rest = scan::blanks(message.as_bytes(), end);
        (rest == message.len()).then_some(walk.found)
    }
}

fn child<K>(
    children: &mut Vec<(K, NodeId)>,
    fresh: NodeId,
    is_it: impl Fn(&K) -> bool,
    key: impl FnOnce() -> K,
) -> NodeId {
    if let Some((_, node)) = children.iter().find(|(known, _)| is_it(known)) {
        return *node;
    }
    children.push((key(), fresh));
    fresh
}

/// A value of an object that is to be looked into when the object has been passed over.
#[derive(Clone, Copy)]
struct Member {
    node: NodeId,
    start: usize,
}

struct Walk<'p, 'm> {
    places: &'p Places,
    text: &'m str,
    found: Vec<(usize, Value<'m>)>,
    /// Those of the objects being walked, outermost first.
    members: Vec<Member>,
}

impl<'m> Walk<'_, 'm> {
    /// Reads the value at `start` as far as `node` asks for; where it ends.
    fn value(&mut self, node: NodeId, start: usize) -> Result<usize, Malformed> {
        let places = self.places;
        let asked = &places.nodes[node];
        let (value, end) = match self.byte(start)? {
            b'{' if asked.keys.is_empty() && asked.any_key.is_none() => {
                (Value::Object, scan::container(self.text.as_bytes(), start)?)
            }
            b'{' => (Value::Object, self.object(asked, start)?),
            b'[' => {
                let (contains_null, end) = self.array(asked, start)?;
                (Value::Array { contains_null }, end)
            }
            _ if asked.ends.is_empty() => return self.skip(start),
            b'"' => {
                let (text, end) = self.string(start)?;
                (Value::Text(text), end)
            }
            _ => {
                let end = scan::scalar(self.text.as_bytes(), start)?;
                (scalar(self.text.get(start..end).ok_or(Malformed::Grammar)?)?, end)
            }
        };
        for number in &asked.ends {
            self.found.push((*number, value.clone()));
        }
        Ok(end)
    }

    fn object(&mut self, asked: &Node, open: usize) -> Result<usize, Malformed> {
        let base = self.members.len();
        let mut by_name: HashMap<Cow<'m, str>, usize> = HashMap::new();
        let end = self.each(open, b'}', |walk, _, at| {
            let (name, end) = walk.string(at)?;
            let colon = walk.blanks(end);
            if walk.byte(colon)? != b':' {
                return Err(Malformed::Grammar);
            }
            let start = walk.blanks(colon + 1);
            if let Some((_, node)) = asked.keys.iter().find(|(key, _)| **key == name) {
                let known = walk.members[base..].iter_mut().find(|member| member.node == *node);
                match known {
                    Some(member) => member.start = start,
                    None => walk.members.push(Member { node: *node, start }),
                }
            }
            if let Some(node) = asked.any_key {
                let fresh = walk.members.len();
                let known = *by_name.entry(name).or_insert(fresh);
                match walk.members.get_mut(known) {
                    Some(member) => member.start = start,
                    None => walk.members.push(Member { node, start }),
                }
            }
            walk.skip(start)
        })?;
        for number in base..self.members.len() {
            let Member { node, start } = self.members[number];
            self.value(node, start)?;
        }
        self.members.truncate(base);
        Ok(end)
    }

    /// Whether the array at `open` contains a null, and where it ends.
    fn array(&mut self, asked: &Node, open: usize) -> Result<(bool, usize), Malformed> {
        let mut contains_null = false;
        if asked.ends.is_empty() && asked.indexes.is_empty() && asked.any_element.is_none() {
            return Ok((contains_null, scan::container(self.text.as_bytes(), open)?));
        }
        let end = self.each(open, b']', |walk, index, at| {
            contains_null |= walk.byte(at)? == b'n';
            let by_index = asked.indexes.iter().find(|(known, _)| *known == index);
            let mut end = None;
            for node in by_index.map(|(_, node)| *node).into_iter().chain(asked.any_element) {
                end = Some(walk.value(node, at)?);
            }
            end.map_or_else(|| walk.skip(at), Ok)
        })?;
        Ok((contains_null, end))
    }

    /// Calls `item` with the number and place of each item of the container at `open`, for it to answer where the
    /// item ends.
    fn each(
        &mut self,
        open: usize,
        close: u8,
        mut item: impl FnMut(&mut Self, usize, usize) -> Result<usize, Malformed>,
    ) -> Result<usize, Malformed> {
        let mut at = self.blanks(open + 1);
        if self.byte(at)? == close {
            return Ok(at + 1);
        }
        for index in 0.. {
            let end = item(self, index, at)?;
            at = self.blanks(end);
            match self.byte(at)? {
                b',' => at = self.blanks(at + 1),
                byte if byte == close => return Ok(at + 1),
                _ => return Err(Malformed::Grammar),
            }
        }
        Err(Malformed::Grammar)
    }

    /// The string at `open`, its escapes resolved, and where it ends.
    fn string(&self, open: usize) -> Result<(Cow<'m, str>, usize), Malformed> {
        if self.byte(open)? != b'"' {
            return Err(Malformed::Grammar);
        }
        let StringEnd { end, has_escapes } = scan::string(self.text.as_bytes(), open)?;
        let inside = self.text.get(open + 1..end - 1).ok_or(Malformed::Grammar)?;
        Ok((if has_escapes { resolved(inside) } else { Cow::Borrowed(inside) }, end))
    }

    fn skip(&self, start: usize) -> Result<usize, Malformed> {
        let text = self.text.as_bytes();
        match self.byte(start)? {
            b'"' => scan::string(text, start).map(|found| found.end),
            b'{' | b'[' => scan::container(text, start),
            _ => scan::scalar(text, start),
        }
    }

    fn blanks(&self, at: usize) -> usize {
        scan::blanks(self.text.as_bytes(), at)
    }

    fn byte(&self, at: usize) -> Result<u8, Malformed> {
        self.text.as_bytes().get(at).copied().ok_or(Malformed::Grammar)
    }
}

fn scalar(written: &str) -> Result<Value<'_>, Malformed> {
    match written {
        "true" => Ok(Value::True),
        "false" => Ok(Value::False),
        "null" => Ok(Value::Null),
        number => match number.parse::<f64>() {
            Ok(value) => Ok(Value::Number(value, text_of(value, number))),
            Err(_) => Err(Malformed::Grammar),
        },
    }
}

/// Of `1.50` and `15e-1` the text is `1.5`; a whole number keeps its digits, however many.
fn text_of(value: f64, written: &str) -> Cow<'_, str> {
    let is_whole = !written.contains(['.', 'e', 'E']);
    if written == "-0" {
        Cow::Borrowed("0")
    } else if is_whole || value.is_infinite() {
        Cow::Borrowed(written)
    } else {
        // `Debug` keeps the `.0` of a whole number, as JSON writers do.
        Cow::Owned(format!("{value:?}"))
    }
}
