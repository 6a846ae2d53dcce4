//! The paths that occur in a document, each met once.

use std::collections::HashMap;

use crate::gather::{FieldId, Gather};
use crate::json::{append_key, key_is_data};

/// A path's number.
pub(super) type NodeId = u32;

/// The document, whose children are root elements.
pub(super) const ROOT: NodeId = 0;

/// Different names in one parent that are steps of paths; what comes after is data.
const MAX_NAMES: usize = 256;
/// Paths that are told apart; below what comes after, names are data.
const MAX_NODES: usize = 1 << 14;
/// Children searched one by one before a table is made.
const MAX_SEARCHED: usize = 12;

/// The tree of paths.
pub(super) struct Tree {
    nodes: Vec<Node>,
}

pub(super) struct Node {
    pub parent: NodeId,
    /// `email`, `@id`, `#comment`, `{}`, `{key}`.
    name: Box<[u8]>,
    /// Its elements are records, unless one around them is.
    pub is_record: bool,
    field: Option<FieldId>,
    children: Vec<NodeId>,
    by_name: Option<HashMap<Box<[u8]>, NodeId>>,
    /// Where among its children the next is expected.
    hint: usize,
}

/// Where a name leads.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub node: NodeId,
    /// The path was not there before.
    pub is_new: bool,
    /// The name itself is a value of this path.
    pub key: Option<NodeId>,
}

impl Tree {
    pub fn new() -> Self {
        Self { nodes: vec![Node::new(ROOT, b"")] }
    }

    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id as usize]
    }

    /// Whether an element of this path has this name, as far as the path tells.
    pub fn is_named(&self, id: NodeId, name: &[u8]) -> bool {
        let own = &*self.node(id).name;
        own == name || own == b"{}"
    }

    /// The path of an element or attribute in this one.
    pub fn step(&mut self, of: NodeId, name: &[u8]) -> Step {
        if let Some(node) = self.find(of, name) {
            return Step { node, is_new: false, key: None };
        }
        let attribute = name.first() == Some(&b'@');
        let is_data = self.node(of).children.len() >= MAX_NAMES
            || self.nodes.len() >= MAX_NODES
            || key_is_data(&name[usize::from(attribute)..]);
        if !is_data {
            return Step { node: self.add(of, name), is_new: true, key: None };
        }
        Step {
            node: self.special(of, if attribute { b"@{}" } else { b"{}" }),
            is_new: false,
            key: Some(self.special(of, b"{key}")),
        }
    }

    /// The path of what is no element or attribute.
    pub fn special(&mut self, of: NodeId, name: &[u8]) -> NodeId {
        self.find(of, name).unwrap_or_else(|| self.add(of, name))
    }

    /// The field of a path.
    pub fn field(&mut self, id: NodeId, gather: &mut Gather<'_>) -> FieldId {
        if let Some(field) = self.node(id).field {
            return field;
        }
        let mut steps = Vec::new();
        let mut at = id;
        while at != ROOT {
            steps.push(at);
            at = self.node(at).parent;
        }
        let mut name = String::new();
        for step in steps.into_iter().rev() {
            let own = &*self.node(step).name;
            match own {
                [b'#', ..] | b"{}" | b"{key}" => {
                    name.push_str(if name.is_empty() { "" } else { "." });
                    name.push_str(&String::from_utf8_lossy(own));
                }
                b"@" | b"@{}" => name.push_str(&String::from_utf8_lossy(own)),
                [b'@', attribute @ ..] => {
                    let mut escaped = String::new();
                    append_key(&mut escaped, attribute);
                    name.push('@');
                    name.push_str(&escaped);
                }
                _ => append_key(&mut name, own),
            }
        }
        let field = gather.field(&name);
        self.node_mut(id).field = Some(field);
        field
    }

    fn find(&mut self, of: NodeId, name: &[u8]) -> Option<NodeId> {
        let node = self.node(of);
        let named = |&id: &NodeId| *self.node(id).name == *name;
        let expected = node.children.get(node.hint).or(node.children.first()).copied().filter(named);
        let at = match expected {
            Some(_) => {
                if node.hint < node.children.len() {
                    node.hint
                } else {
                    0
                }
            }
            None if node.children.len() <= MAX_SEARCHED => node.children.iter().position(named)?,
            None => {
                let id = match &node.by_name {
                    Some(by_name) => by_name.get(name).copied(),
                    None => {
                        let by_name: HashMap<Box<[u8]>, NodeId> =
                            node.children.iter().map(|&id| (self.node(id).name.clone(), id)).collect();
                        let id = by_name.get(name).copied();
                        self.node_mut(of).by_name = Some(by_name);
                        id
                    }
                };
                return id;
            }
        };
        let node = self.node_mut(of);
        node.hint = at + 1;
        Some(node.children[at])
    }

    fn add(&mut self, parent: NodeId, name: &[u8]) -> NodeId {
        let id = self.nodes.len() as NodeId;
        self.nodes.push(Node::new(parent, name));
        let node = self.node_mut(parent);
        node.children.push(id);
        if let Some(by_name) = &mut node.by_name {
            by_name.insert(name.into(), id);
        }
        id
    }
}

impl Node {
    fn new(parent: NodeId, name: &[u8]) -> Self {
        let (name, children) = (name.into(), Vec::new());
        Self { parent, name, is_record: false, field: None, children, by_name: None, hint: 0 }
    }
}

/// A name without the prefix of its namespace.
pub(super) fn local(name: &[u8]) -> &[u8] {
    match memchr::memchr(b':', name) {
        Some(at) if at + 1 < name.len() => &name[at + 1..],
        _ => name,
    }
}
