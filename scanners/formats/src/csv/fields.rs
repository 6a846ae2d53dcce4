//! Names of the columns of separated values: unique, and never empty.

use std::collections::HashSet;
use std::sync::Arc;

/// The names of columns; those beyond the header are made as they are needed.
pub(crate) struct Fields {
    names: Vec<Arc<str>>,
    taken: HashSet<Arc<str>>,
    /// How many columns every row should have.
    pub named: usize,
}

impl Fields {
    /// `column_1` to `column_width`.
    pub fn unnamed(width: usize) -> Self {
        Self::named((0..width).map(|_| String::new()))
    }

    /// The names of a header; an empty one becomes `column_N`, one that stands there again gets a number.
    pub fn named(header: impl Iterator<Item = String>) -> Self {
        let mut fields = Self { names: Vec::new(), taken: HashSet::new(), named: 0 };
        for name in header {
            fields.add(&name);
        }
        fields.named = fields.names.len();
        fields
    }

    /// The name of column `i`, counted from 0.
    pub fn name(&mut self, i: usize) -> Arc<str> {
        while self.names.len() <= i {
            self.add("");
        }
        self.names[i].clone()
    }

    /// Adds a column and gives its name: an empty one becomes `column_N`, one that is there already gets a number.
    pub fn add(&mut self, name: &str) -> Arc<str> {
        let plain = if name.is_empty() { format!("column_{}", self.names.len() + 1) } else { name.to_owned() };
        let mut unique: Arc<str> = plain.as_str().into();
        let mut again = 2;
        while !self.taken.insert(unique.clone()) {
            unique = format!("{plain}_{again}").into();
            again += 1;
        }
        self.names.push(unique.clone());
        unique
    }
}
