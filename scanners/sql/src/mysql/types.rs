//! How each type is asked for, and what is known of its values.
//!
//! Columns are asked for as they are, by the text protocol: the server then writes numbers and times as its own
//! client shows them, zero dates included, turns text of any character set into UTF-8, and hands out bytes
//! untouched. Converting every column by an expression instead took 1.4 times as long (400,000 rows of eight columns,
//! best of three, through the server's own client); leaving out long values by one did not show. Four kinds would not be text that can be searched, and are asked for by an expression: bit fields,
//! shapes, bytes that are part of a key, and single-precision numbers, of which the server writes six digits only.

use residuum_source::Logical;

use crate::quote::Backticked;

/// A column of a table.
#[derive(Clone, Debug)]
pub struct MyColumn {
    /// Its name.
    pub name: String,
    /// How it is asked for.
    pub form: Form,
    /// What is known of its values.
    pub logical: Logical,
    /// The greatest number of bytes that a value is stored in, unless that is small.
    pub capacity: u64,
    /// UTF-8 bytes for each stored byte, at most.
    pub growth: u64,
    /// Whether the user may read it.
    pub readable: bool,
}

/// In what form a column's values are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// As the server's own text.
    Text,
    /// As they are.
    Bytes,
    /// Of a bit field, as the number it stands for.
    Bits,
    /// As all the digits of a single-precision number.
    Single,
    /// As well-known text: `POINT(1 2)`.
    Shape,
    /// As hexadecimal digits: `0x0aff`.
    Digits,
}

/// What the catalog says about a column's type.
#[derive(Clone, Copy, Debug)]
pub struct MyType<'a> {
    /// `DATA_TYPE`, lower case.
    pub name: &'a str,
    /// `CHARACTER_SET_NAME`, empty for what is no text.
    pub charset: &'a str,
    /// Whether a constraint has it hold JSON, which is how MariaDB declares that type.
    pub is_json: bool,
}

impl MyType<'_> {
    /// How its values are asked for, and what is known of them.
    pub fn form(&self) -> (Form, Logical) {
        match self.name {
            "bit" => (Form::Bits, Logical::Integer),
            "float" => (Form::Single, Logical::Number),
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" => (Form::Text, Logical::Integer),
            "decimal" | "double" => (Form::Text, Logical::Number),
            "date" => (Form::Text, Logical::Date),
            "datetime" | "timestamp" => (Form::Text, Logical::Timestamp),
            "uuid" => (Form::Text, Logical::Uuid),
            "inet4" | "inet6" => (Form::Text, Logical::Inet),
            "json" => (Form::Text, Logical::Json),
            "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring" | "multipolygon"
            | "geometrycollection" | "geomcollection" => (Form::Shape, Logical::Text),
            "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "vector" => {
                (Form::Bytes, Logical::Bytes)
            }
            _ if self.is_json => (Form::Text, Logical::Json),
            _ => (Form::Text, Logical::Text),
        }
    }

    /// The capacity of types that have none in the catalog.
    pub fn capacity(&self) -> u64 {
        match self.form().0 {
            Form::Shape => u64::from(u32::MAX),
            _ if self.name == "json" => u64::from(u32::MAX),
            _ => 64,
        }
    }

    /// UTF-8 bytes for each stored byte, at most.
    pub fn growth(&self) -> u64 {
        match self.charset {
            "" | "binary" | "ascii" | "utf8" | "utf8mb3" | "utf8mb4" => 1,
            _ => 3,
        }
    }
}

impl MyColumn {
    /// The expression that gives its values.
    pub fn expression(&self) -> String {
        self.expression_of("")
    }

    /// The same of the table with this alias, `t.`.
    pub fn expression_of(&self, alias: &str) -> String {
        let name = format!("{alias}{}", Backticked(&self.name));
        match self.form {
            Form::Text | Form::Bytes => name,
            Form::Bits => format!("{name} + 0"),
            Form::Single => format!("CAST({name} AS DOUBLE)"),
            Form::Shape => format!("ST_AsText({name})"),
            Form::Digits => format!("CONCAT('0x', LOWER(HEX({name})))"),
        }
    }

    /// The condition that a value takes more than `bytes` as it is sent.
    pub fn is_long(&self, bytes: u64, max_packet: u64) -> String {
        let longest = match self.form {
            // A function gives a null for what would not fit into a packet; a number in text takes the most room.
            Form::Shape => bytes.min(max_packet / 8),
            _ => bytes / self.growth,
        };
        format!("OCTET_LENGTH({}) > {longest}", Backticked(&self.name))
    }

    /// Whether long values come as bytes.
    pub fn long_is_bytes(&self) -> bool {
        matches!(self.form, Form::Bytes | Form::Shape)
    }

    /// The expression that gives characters, or bytes, `from` (counted from 1) on of a value.
    pub fn piece(&self, from: u64, length: u64) -> String {
        format!("SUBSTRING({}, {from}, {length})", Backticked(&self.name))
    }
}

/// Writes all the digits that a single-precision number needs to be told from its neighbours.
pub fn single(double: &[u8]) -> Option<f32> {
    std::str::from_utf8(double).ok()?.parse::<f64>().ok().map(|number| number as f32)
}
