//! How each type is asked for, and what is known of its values.

use residuum_source::Logical;

use crate::quote::Ident;

/// A column of a table.
#[derive(Clone, Debug)]
pub struct PgColumn {
    /// Its name.
    pub name: String,
    /// How it is asked for.
    pub form: Form,
    /// What is known of its values.
    pub logical: Logical,
    /// Whether its values may be long.
    pub extensible: bool,
    /// Whether the role may read it.
    pub readable: bool,
    /// Its type in a statement, domains resolved, without a length.
    pub base: String,
    /// The operator by which two of its values are equal.
    pub equal: String,
}

/// In what form a column's values are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// As the type's own text.
    Text,
    /// As JSON made by the server, so that the names and the nesting of a composite value are seen.
    Json,
    /// As hexadecimal digits, from which the bytes are had back.
    Bytes,
}

/// What the catalog says about a type, domains resolved to what they restrict.
#[derive(Clone, Copy, Debug)]
pub struct PgType<'a> {
    /// `typname`.
    pub name: &'a str,
    /// Whether it is one of PostgreSQL's own.
    pub own: bool,
    /// `typtype`: `b` base, `c` composite, `e` enum, `r` range, `m` multirange.
    pub kind: &'a str,
    /// `typcategory`: `A` for arrays.
    pub category: &'a str,
}

impl PgType<'_> {
    /// How its values are asked for, and what is known of them.
    pub fn form(&self) -> (Form, Logical) {
        match (self.kind, self.category, self.name) {
            ("c", ..) | (_, "A", _) => (Form::Json, Logical::Json),
            (_, _, "hstore") => (Form::Json, Logical::Json),
            _ if !self.own => (Form::Text, Logical::Text),
            (_, _, "bytea") => (Form::Bytes, Logical::Bytes),
            (_, _, "json" | "jsonb") => (Form::Text, Logical::Json),
            (_, _, "int2" | "int4" | "int8" | "oid") => (Form::Text, Logical::Integer),
            (_, _, "numeric" | "float4" | "float8") => (Form::Text, Logical::Number),
            (_, _, "bool") => (Form::Text, Logical::Bool),
            (_, _, "date") => (Form::Text, Logical::Date),
            (_, _, "timestamp" | "timestamptz") => (Form::Text, Logical::Timestamp),
            (_, _, "uuid") => (Form::Text, Logical::Uuid),
            (_, _, "inet" | "cidr") => (Form::Text, Logical::Inet),
            _ => (Form::Text, Logical::Text),
        }
    }
}

impl PgColumn {
    /// Whether it holds pairs of texts, of the extension `hstore`.
    pub fn is_hstore(&self) -> bool {
        self.form == Form::Json && self.base.rsplit('.').next() == Some("hstore")
    }

    /// The expression that gives its values.
    pub fn expression(&self) -> String {
        let name = Ident(&self.name);
        match self.form {
            Form::Json => format!("to_json({name})"),
            Form::Text | Form::Bytes => name.to_string(),
        }
    }

    /// The condition that a value is longer than `bytes`.
    ///
    /// The stored size is looked at first, which takes no reading of the value: compression makes at most 255 of
    /// one, so what is stored in less cannot be long.
    pub fn is_long(&self, bytes: u64) -> String {
        let whole = self.whole();
        format!("pg_column_size({}) > {} AND octet_length({whole}) > {bytes}", Ident(&self.name), bytes / 256)
    }

    /// The expression that gives characters, or bytes, `from` (counted from 1) on of a value.
    pub fn piece(&self, from: u64, length: u64) -> String {
        format!("substring({} FROM {from} FOR {length})", self.whole())
    }

    fn whole(&self) -> String {
        match self.form {
            Form::Bytes => format!("{}::bytea", self.expression()),
            Form::Text | Form::Json => format!("({})::text", self.expression()),
        }
    }
}
