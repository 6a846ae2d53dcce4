//! The paths that occur in an object, each met once: a tree whose nodes are fields.
//!
//! What a key is decides where a value goes. A key that is a name (`email`) is a step of the path. A key that
//! is itself data (an e-mail, an account number, a UUID, more than 64 bytes, or the 257th key of one object) is not: the path
//! has `{}` in its place, so that the values of a map keyed by people make one field, and the key is a value of the
//! field `{key}` beside it. A key that is a name but may be data as well (`Jane Doe`) is both.

use std::collections::HashMap;
use std::sync::Arc;

use residuum_source::escape_component;

/// A node's number.
pub(super) type NodeId = u32;

/// The node of a document itself.
pub(super) const ROOT: NodeId = 0;

/// Keys of one object that are steps of paths; what comes after is data.
const MAX_KEYS: usize = 256;
/// Longest key that is a name, in bytes.
const MAX_NAME: usize = 64;
/// Nodes a tree may have before it is begun anew.
const MAX_NODES: usize = 1 << 15;
/// Children searched one by one before a table is made.
const MAX_SEARCHED: usize = 12;

/// The tree.
pub(super) struct Paths {
    nodes: Vec<Node>,
    /// What all fields begin with: empty, or the field whose values are documents.
    prefix: Arc<str>,
}

struct Node {
    parent: NodeId,
    step: Step,
    /// The node is a key that has no character that is ever escaped out of need.
    verbatim: bool,
    field: Option<Arc<str>>,
    /// Children by name, in the order they were met.
    children: Vec<NodeId>,
    by_key: Option<HashMap<Box<[u8]>, NodeId>>,
    element: Option<NodeId>,
    any: Option<NodeId>,
    keys: Option<NodeId>,
}

#[derive(Clone, PartialEq, Eq)]
enum Step {
    Root,
    Key {
        key: Box<[u8]>,
        spoken: bool,
    },
    Element,
    /// What stands under a key that is data.
    Any,
    /// The key that is data.
    Keys,
}

/// Where what belongs to a key goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Keyed {
    /// The node of the key's value.
    pub(super) node: NodeId,
    /// The node the key itself is a value of.
    pub(super) key_itself: Option<NodeId>,
}

impl Paths {
    /// A tree with nothing but a root.
    pub(super) fn new(prefix: Arc<str>) -> Self {
        Self { nodes: vec![Node::new(ROOT, Step::Root)], prefix }
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether the tree should be begun anew before another key is met.
    pub(super) fn is_full(&self) -> bool {
        self.nodes.len() >= MAX_NODES
    }

    /// The node of an array's elements.
    pub(super) fn element(&mut self, of: NodeId) -> NodeId {
        match self.nodes[of as usize].element {
            Some(node) => node,
            None => {
                let node = self.add(of, Step::Element);
                self.nodes[of as usize].element = Some(node);
                node
            }
        }
    }

    /// The key expected next and its node, if it stands in every text as it is and is no value.
    #[inline]
    pub(super) fn expected(&self, of: NodeId, hint: u32) -> Option<(&[u8], NodeId)> {
        let node = *self.nodes[of as usize].children.get(hint as usize)?;
        match &self.nodes[node as usize].step {
            Step::Key { key, spoken: false } if self.nodes[node as usize].verbatim => Some((key, node)),
            _ => None,
        }
    }

    /// The nodes of an object's key (escapes undone). `hint` is the number of the child expected next.
    pub(super) fn key(&mut self, of: NodeId, key: &[u8], hint: &mut u32) -> Keyed {
        if let Some(index) = self.find(of, key) {
            *hint = index + 1;
            let node = self.nodes[of as usize].children[index as usize];
            let spoken = matches!(self.nodes[node as usize].step, Step::Key { spoken: true, .. });
            return Keyed { node, key_itself: spoken.then(|| self.keys(of)) };
        }
        let class = KeyClass::of(key);
        if class == KeyClass::Data || self.nodes[of as usize].children.len() >= MAX_KEYS {
            return self.data_key(of);
        }
        let spoken = class == KeyClass::Spoken;
        let node = self.add(of, Step::Key { key: key.into(), spoken });
        let parent = &mut self.nodes[of as usize];
        parent.children.push(node);
        *hint = parent.children.len() as u32;
        if let Some(by_key) = &mut parent.by_key {
            by_key.insert(key.into(), *hint - 1);
        }
        Keyed { node, key_itself: spoken.then(|| self.keys(of)) }
    }

    /// Whether a node is a key of which this holds.
    pub(super) fn is_key(&self, node: NodeId, holds: impl Fn(&[u8]) -> bool) -> bool {
        matches!(&self.nodes[node as usize].step, Step::Key { key, .. } if holds(key))
    }

    /// The nodes of a key that is data.
    pub(super) fn data_key(&mut self, of: NodeId) -> Keyed {
        let key_itself = Some(self.keys(of));
        if let Some(node) = self.nodes[of as usize].any {
            return Keyed { node, key_itself };
        }
        let node = self.add(of, Step::Any);
        self.nodes[of as usize].any = Some(node);
        Keyed { node, key_itself }
    }

    /// The field's name.
    pub(super) fn field(&mut self, node: NodeId) -> Arc<str> {
        if let Some(field) = &self.nodes[node as usize].field {
            return field.clone();
        }
        let mut steps = Vec::new();
        let mut at = node;
        while at != ROOT {
            steps.push(at);
            at = self.nodes[at as usize].parent;
        }
        let mut name = self.prefix.to_string();
        if steps.is_empty() && name.is_empty() {
            name.push('$');
        }
        for step in steps.into_iter().rev() {
            self.nodes[step as usize].step.append_to(&mut name);
        }
        let field: Arc<str> = name.into();
        // A name that is long is made anew for each batch rather than kept for each node.
        if field.len() <= 256 {
            self.nodes[node as usize].field = Some(field.clone());
        }
        field
    }

    /// A new tree that holds only the paths to `open`, and their nodes in it.
    pub(super) fn begun_anew(&self, open: &[NodeId]) -> (Self, Vec<NodeId>) {
        let mut new = Self::new(self.prefix.clone());
        let mut moved: HashMap<NodeId, NodeId> = HashMap::from([(ROOT, ROOT)]);
        let nodes = open.iter().map(|&node| {
            let mut steps = Vec::new();
            let mut at = node;
            while !moved.contains_key(&at) {
                steps.push(at);
                at = self.nodes[at as usize].parent;
            }
            for old in steps.into_iter().rev() {
                let parent = moved[&self.nodes[old as usize].parent];
                let node = match &self.nodes[old as usize].step {
                    Step::Root => ROOT,
                    Step::Element => new.element(parent),
                    Step::Any => new.data_key(parent).node,
                    Step::Keys => new.keys(parent),
                    Step::Key { key, .. } => new.key(parent, key, &mut 0).node,
                };
                moved.insert(old, node);
            }
            moved[&node]
        });
        let nodes = nodes.collect();
        (new, nodes)
    }

    /// The number of the child with this key.
    fn find(&mut self, of: NodeId, key: &[u8]) -> Option<u32> {
        let node = &self.nodes[of as usize];
        let known = |id: NodeId| match &self.nodes[id as usize].step {
            Step::Key { key, .. } => &**key,
            _ => &[],
        };
        if node.children.len() <= MAX_SEARCHED {
            return node.children.iter().position(|&id| *known(id) == *key).map(|i| i as u32);
        }
        if node.by_key.is_none() {
            let table = node.children.iter().enumerate().map(|(i, &id)| (known(id).into(), i as u32)).collect();
            self.nodes[of as usize].by_key = Some(table);
        }
        self.nodes[of as usize].by_key.as_ref()?.get(key).copied()
    }

    fn keys(&mut self, of: NodeId) -> NodeId {
        match self.nodes[of as usize].keys {
            Some(node) => node,
            None => {
                let node = self.add(of, Step::Keys);
                self.nodes[of as usize].keys = Some(node);
                node
            }
        }
    }

    fn add(&mut self, parent: NodeId, step: Step) -> NodeId {
        self.nodes.push(Node::new(parent, step));
        self.nodes.len() as NodeId - 1
    }
}

impl Node {
    fn new(parent: NodeId, step: Step) -> Self {
        let verbatim = matches!(&step, Step::Key { key, .. } if !key.iter().any(|b| matches!(b, b'"' | b'\\' | b'\n')));
        let (field, children, by_key) = (None, Vec::new(), None);
        Self { parent, step, verbatim, field, children, by_key, element: None, any: None, keys: None }
    }
}

impl Step {
    fn append_to(&self, name: &mut String) {
        match self {
            Self::Root => {}
            Self::Key { key, .. } => append_key(name, key),
            Self::Element => name.push_str("[]"),
            Self::Any => append_step(name, "{}"),
            Self::Keys => append_step(name, "{key}"),
        }
    }
}

fn append_step(name: &mut String, step: &str) {
    if !name.is_empty() {
        name.push('.');
    }
    name.push_str(step);
}

/// Adds a key to a path: what separates steps is percent-encoded, as in object names, and the empty key is `""`.
pub(crate) fn append_key(name: &mut String, key: &[u8]) {
    match key {
        b"" => append_step(name, "\"\""),
        b"$" => append_step(name, "%24"),
        _ => append_step(name, &escape_component(key, b".[]{}\"")),
    }
}

/// Whether a key is a value rather than a name.
pub(crate) fn key_is_data(key: &[u8]) -> bool {
    KeyClass::of(key) == KeyClass::Data
}

/// Whether a key is a name that may be a value as well.
pub(crate) fn key_is_spoken(key: &[u8]) -> bool {
    KeyClass::of(key) == KeyClass::Spoken
}

/// What a key looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum KeyClass {
    /// A name someone gave a field.
    Name,
    /// A name of several words or in other letters: perhaps a person's.
    Spoken,
    /// A value.
    Data,
}

impl KeyClass {
    fn of(key: &[u8]) -> Self {
        let digits = key.iter().filter(|b| b.is_ascii_digit()).count();
        let hex = key.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-');
        let data = key.len() > MAX_NAME
            || key.contains(&b'@')
            || key.windows(3).any(|three| three == b"%40")
            || (digits >= 5 && digits * 2 >= key.len())
            || (hex && digits > 0 && key.len() >= 16);
        if data {
            Self::Data
        } else if key.iter().any(|b| b.is_ascii_whitespace() || !b.is_ascii()) {
            Self::Spoken
        } else {
            Self::Name
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_classed() {
        let cases = [
            ("email", KeyClass::Name),
            ("address_line_1", KeyClass::Name),
            ("sha256", KeyClass::Name),
            ("x-amz-request-id", KeyClass::Name),
            ("2024", KeyClass::Name),
            ("Jane Doe", KeyClass::Spoken),
            ("größe", KeyClass::Spoken),
            ("jane@example.com", KeyClass::Data),
            ("jane%40example.com", KeyClass::Data),
            ("2024-01-31", KeyClass::Data),
            ("cust_0048151", KeyClass::Data),
            ("550e8400-e29b-41d4-a716-446655440000", KeyClass::Data),
            ("+1-202-555-0143", KeyClass::Data),
        ];
        for (key, class) in cases {
            assert_eq!(KeyClass::of(key.as_bytes()), class, "{key}");
        }
    }

    #[test]
    fn names_of_fields() {
        let mut paths = Paths::new("".into());
        assert_eq!(&*paths.field(ROOT), "$");
        let mut key = |of, key: &str| paths.key(of, key.as_bytes(), &mut 0).node;
        let customer = key(ROOT, "customer");
        let emails = key(customer, "e.mails[x]");
        let empty = key(ROOT, "");
        let user = key(customer, "jane@example.com");
        let phone = key(user, "phone");
        let element = paths.element(emails);
        let nested = paths.element(element);
        let names = [empty, emails, nested, user, phone].map(|node| paths.field(node).to_string());
        let expected =
            ["\"\"", "customer.e%2Emails%5Bx%5D", "customer.e%2Emails%5Bx%5D[][]", "customer.{}", "customer.{}.phone"];
        assert_eq!(names, expected);
        let itself = paths.data_key(customer).key_itself.unwrap();
        assert_eq!(&*paths.field(itself), "customer.{key}");

        let (mut new, moved) = paths.begun_anew(&[customer, emails, nested]);
        assert_eq!(new.len(), 5);
        assert_eq!(&*new.field(moved[2]), "customer.e%2Emails%5Bx%5D[][]");
    }

    #[test]
    fn an_object_of_many_keys_is_a_map() {
        let mut paths = Paths::new("".into());
        for i in 0..10_000u32 {
            let name: String = i.to_string().bytes().map(|d| (d - b'0' + b'a') as char).collect();
            let keyed = paths.key(ROOT, name.as_bytes(), &mut 0);
            assert_eq!(keyed.key_itself.is_some(), i as usize >= MAX_KEYS);
        }
        assert_eq!(paths.len(), MAX_KEYS + 3);
    }
}
