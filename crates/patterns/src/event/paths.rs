//! The paths that patterns name, as a tree of their levels
//!
//! Dots join levels, in patterns and in events alike, so `{"a.b":1}` and `{"a":{"b":1}}` are one path. A **node** is
//! a path or the beginning of one. Nodes are counted by their users, the conditions that end at them or below, and
//! go when the last one goes, so a tree is as large as what its patterns name and no larger.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{index::Index, predicate::Predicate};

pub(super) type NodeId = u32;
pub(super) const ROOT: NodeId = 0;

#[derive(Debug)]
pub(super) struct Paths {
    nodes: Vec<Node>,
    free: Vec<NodeId>,
}

/// Where a name leads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Child {
    pub(super) node: NodeId,
    /// The name has dots in it.
    pub(super) by_levels: bool,
}

#[derive(Debug, Default)]
struct Node {
    children: HashMap<Box<[u8]>, NodeId, RandomState>,
    /// Which bytes the children's names begin with (the bit of the byte's lower six bits), and which lengths they have
    /// (longer ones count as 63): most names of an event are told apart by these alone.
    first_bytes: u64,
    lengths: u64,
    users: usize,
    /// What is asked of values at this very path.
    index: Option<Box<Index>>,
}

impl Paths {
    pub(super) fn new() -> Self {
        Self { nodes: vec![Node::default()], free: Vec::new() }
    }

    /// How many nodes there have been at once; ids are below it.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The node of a path, which gets one more user.
    pub(super) fn join(&mut self, path: &str) -> NodeId {
        let mut node = ROOT;
        self.nodes[ROOT as usize].users += 1;
        for level in path.split('.') {
            node = match self.nodes[node as usize].children.get(level.as_bytes()) {
                Some(child) => *child,
                None => self.add_child(node, level.as_bytes()),
            };
            self.nodes[node as usize].users += 1;
        }
        node
    }

    /// Takes back one [`Paths::join`].
    pub(super) fn leave(&mut self, path: &str) {
        let mut node = ROOT;
        self.nodes[ROOT as usize].users -= 1;
        for level in path.split('.') {
            let Some(child) = self.nodes[node as usize].children.get(level.as_bytes()).copied() else {
                return;
            };
            let left = &mut self.nodes[child as usize].users;
            *left -= 1;
            if *left == 0 {
                self.nodes[node as usize].children.remove(level.as_bytes());
                self.nodes[node as usize].summarise();
                self.drop_below(child);
                return;
            }
            node = child;
        }
    }

    /// Frees a node and all below it.
    fn drop_below(&mut self, node: NodeId) {
        let mut dropped = vec![node];
        while let Some(node) = dropped.pop() {
            let gone = std::mem::take(&mut self.nodes[node as usize]);
            dropped.extend(gone.children.into_values());
            self.free.push(node);
        }
    }

    fn add_child(&mut self, parent: NodeId, name: &[u8]) -> NodeId {
        let child = self.free.pop().unwrap_or_else(|| {
            self.nodes.push(Node::default());
            (self.nodes.len() - 1) as NodeId
        });
        let parent = &mut self.nodes[parent as usize];
        parent.children.insert(name.into(), child);
        parent.summarise();
        child
    }

    pub(super) fn index(&self, node: NodeId) -> Option<&Index> {
        self.nodes[node as usize].index.as_deref()
    }

    pub(super) fn index_mut(&mut self, node: NodeId) -> &mut Index {
        self.nodes[node as usize].index.get_or_insert_default()
    }

    /// Takes back [`Index::note`] at a node. An index that nobody uses goes.
    pub(super) fn forget(&mut self, node: NodeId, predicates: &[Predicate]) {
        let index = &mut self.nodes[node as usize].index;
        if let Some(asked) = index {
            asked.forget(predicates);
            if !asked.is_asked() {
                *index = None;
            }
        }
    }

    /// Whether anything below the node is asked for.
    pub(super) fn has_children(&self, node: NodeId) -> bool {
        self.nodes[node as usize].lengths != 0
    }

    /// The node that a name leads to from `node`. Dots in the name are levels.
    #[inline]
    pub(super) fn child(&self, node: NodeId, name: &[u8]) -> Option<Child> {
        let at = &self.nodes[node as usize];
        let direct = |node: &NodeId| Child { node: *node, by_levels: false };
        let Some(first) = name.first() else { return at.children.get(name).map(direct) };
        // A name with a dot in front begins with an empty level.
        if at.first_bytes >> (first & 63) & 1 == 0 && *first != b'.' {
            return None;
        }
        if at.lengths >> name.len().min(63) & 1 == 1
            && let Some(child) = at.children.get(name)
        {
            return Some(direct(child));
        }
        if name.contains(&b'.') { self.child_by_levels(node, name) } else { None }
    }

    #[cold]
    fn child_by_levels(&self, node: NodeId, name: &[u8]) -> Option<Child> {
        name.split(|byte| *byte == b'.')
            .try_fold(node, |node, level| self.nodes[node as usize].children.get(level).copied())
            .map(|node| Child { node, by_levels: true })
    }
}

impl Node {
    fn summarise(&mut self) {
        (self.first_bytes, self.lengths) = (0, 0);
        for name in self.children.keys() {
            self.first_bytes |= name.first().map_or(0, |first| 1 << (first & 63));
            self.lengths |= 1 << name.len().min(63);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_nodes_while_they_are_used() {
        let mut paths = Paths::new();
        let deep = paths.join("a.b.c");
        let short = paths.join("a.b");
        assert_ne!(deep, short);
        assert_eq!(paths.join("a.b"), short);
        let at = |paths: &Paths, names: &[&str]| {
            names.iter().try_fold(ROOT, |node, name| Some(paths.child(node, name.as_bytes())?.node))
        };
        assert_eq!(at(&paths, &["a", "b", "c"]), Some(deep));
        assert_eq!(at(&paths, &["a.b", "c"]), Some(deep));
        assert_eq!(at(&paths, &["a", "b.c"]), Some(deep));
        assert_eq!(at(&paths, &["a", "c"]), None);
        assert_eq!(at(&paths, &["a", ""]), None);
        paths.leave("a.b");
        assert_eq!(at(&paths, &["a.b"]), Some(short));
        paths.leave("a.b.c");
        assert_eq!(at(&paths, &["a.b", "c"]), None);
        assert_eq!(at(&paths, &["a", "b"]), Some(short));
        paths.leave("a.b");
        assert_eq!(at(&paths, &["a"]), None);
        let nodes = paths.len();
        for round in 0..100 {
            let path = format!("x{round}.y");
            paths.join(&path);
            paths.leave(&path);
        }
        assert_eq!(paths.len(), nodes);
    }

    #[test]
    fn empty_levels() {
        let mut paths = Paths::new();
        let node = paths.join("a..b");
        let empty = paths.join("");
        let child = |paths: &Paths, node, name: &str| paths.child(node, name.as_bytes()).unwrap().node;
        assert_eq!(child(&paths, ROOT, ""), empty);
        let below = child(&paths, child(&paths, ROOT, "a"), "");
        assert_eq!(child(&paths, below, "b"), node);
        assert_eq!(paths.child(ROOT, b"a..b"), Some(Child { node, by_levels: true }));
        let dotted = paths.join(".x");
        assert_eq!(paths.child(ROOT, b".x"), Some(Child { node: dotted, by_levels: true }));
    }
}
