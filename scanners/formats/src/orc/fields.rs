//! The columns of a file as fields: paths like those of JSON.

use std::sync::Arc;

use residuum_source::Limits;

use super::types::{Kind, Type};
use crate::Fault;
use crate::arrays::{Leaf, unique};
use crate::json::append_key;

/// How the columns of a file are called.
pub(super) struct Fields {
    /// The path of each column by its number; empty for those that are in no other.
    pub paths: Vec<String>,
    /// The numbers of the columns that hold values, in order.
    pub leaves: Vec<u32>,
    /// What each of them is called, and what it holds.
    pub names: Vec<Arc<str>>,
    pub kinds: Vec<Leaf>,
    /// Which leaf each column is.
    leaf_of: Vec<Option<usize>>,
}

impl Fields {
    /// Recursion is no deeper than columns may be nested.
    pub fn new(columns: &[Type], limits: &Limits) -> Result<Self, Fault> {
        let mut fields = Self {
            paths: vec![String::new(); columns.len()],
            leaves: Vec::new(),
            names: Vec::new(),
            kinds: Vec::new(),
            leaf_of: vec![None; columns.len()],
        };
        let mut room = limits.whole_bytes / 4;
        fields.add(columns, 0, String::new(), &mut room).ok_or_else(|| {
            Fault::limit("the names of its columns are too long to be held; raise the limit `whole_bytes`")
        })?;
        fields.names = unique(fields.leaves.iter().map(|leaf| fields.paths[*leaf as usize].clone()).collect());
        Ok(fields)
    }

    /// The name of a column that holds values.
    pub fn name(&self, number: u32) -> Option<&Arc<str>> {
        self.leaf_of.get(number as usize)?.map(|leaf| &self.names[leaf])
    }

    fn add(&mut self, columns: &[Type], number: u32, path: String, room: &mut u64) -> Option<()> {
        *room = room.checked_sub(path.len() as u64)?;
        let column = &columns[number as usize];
        for (i, &child) in column.children.iter().enumerate() {
            let mut path = path.clone();
            match column.kind {
                Kind::Structure => append_key(&mut path, &column.names[i]),
                Kind::List => path.push_str("[]"),
                Kind::Map => path.push_str([".{key}", ".{}"][i]),
                _ => {}
            }
            self.add(columns, child, path, room)?;
        }
        if !column.kind.is_nested() {
            self.leaf_of[number as usize] = Some(self.leaves.len());
            self.leaves.push(number);
            self.kinds.push(if column.kind == Kind::Text { Leaf::Text } else { Leaf::Other });
        }
        self.paths[number as usize] = path;
        Some(())
    }
}
