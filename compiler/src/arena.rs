//! Typed arenas: a node is named by an `Id<T>`, never by a pointer, and each node has an origin.
//!
//! Guarantees: ids are dense, start at 0 and are handed out in order of `add`, so any walk over an
//! arena is deterministic. No node exists without an origin: `add` asks for it.

use crate::origin::OriginId;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// The name of a `T` in its arena.
pub struct Id<T> {
    index: u32,
    of: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// The id with this position; used by printers, parallel tables and tests.
    pub fn new(index: usize) -> Self {
        Id { index: u32::try_from(index).expect("an arena holds fewer than 2^32 nodes"), of: PhantomData }
    }

    /// The position in the arena.
    pub fn index(self) -> usize {
        self.index as usize
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.index.cmp(&other.index)
    }
}
impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.index.hash(state);
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.index)
    }
}

/// Nodes of one kind with their origins.
#[derive(Clone, Debug)]
pub struct Arena<T> {
    nodes: Vec<T>,
    origins: Vec<OriginId>,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Arena { nodes: Vec::new(), origins: Vec::new() }
    }
}

impl<T> Arena<T> {
    /// Adds a node that comes from `origin`.
    pub fn add(&mut self, node: T, origin: OriginId) -> Id<T> {
        let id = Id::new(self.nodes.len());
        self.nodes.push(node);
        self.origins.push(origin);
        id
    }

    /// Where the node comes from.
    pub fn origin(&self, id: Id<T>) -> OriginId {
        self.origins[id.index()]
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All nodes in order, with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (Id<T>, &T)> {
        self.nodes.iter().enumerate().map(|(index, node)| (Id::new(index), node))
    }

    /// All ids in order.
    pub fn ids(&self) -> impl Iterator<Item = Id<T>> + use<T> {
        (0..self.nodes.len()).map(Id::new)
    }
}

impl<T> Index<Id<T>> for Arena<T> {
    type Output = T;
    fn index(&self, id: Id<T>) -> &T {
        &self.nodes[id.index()]
    }
}

impl<T> IndexMut<Id<T>> for Arena<T> {
    fn index_mut(&mut self, id: Id<T>) -> &mut T {
        &mut self.nodes[id.index()]
    }
}
