//! Schemas of Avro (Apache Avro 1.12, "Schema Declaration"), as far as values are read by them.

use std::collections::HashMap;
use std::rc::Rc;

use residuum_source::Logical;
use serde_json::Value;

/// What a value is.
#[derive(Debug)]
pub(super) enum Schema {
    Null,
    Boolean,
    /// 32 bits.
    Int(Number),
    /// 64 bits.
    Long(Number),
    Float,
    Double,
    Bytes(Option<u32>),
    String,
    Fixed(usize, Fixed),
    Enum(Vec<String>),
    Array(Rc<Schema>),
    Map(Rc<Schema>),
    Union(Vec<Rc<Schema>>),
    Record(Vec<(String, Rc<Schema>)>),
    /// A type that was declared elsewhere.
    Named(usize),
}

/// What a whole number stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Number {
    Plain,
    Date,
    /// Parts of a second that a time of day, or a point in time, is counted in.
    Time(u64),
    Timestamp(u64),
}

/// What bytes of a fixed length stand for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fixed {
    Bytes,
    Uuid,
    Decimal(u32),
    Duration,
}

/// A file's schema: its root, and the types it declares.
#[derive(Debug)]
pub(super) struct Schemas {
    pub root: Rc<Schema>,
    pub named: Vec<Option<Rc<Schema>>>,
}

/// Types that a schema may have: it stands in the file's head, which must be held whole.
const MOST: usize = 100_000;

/// Reads a schema, or says what is wrong with it.
pub(super) fn parse(json: &[u8], nesting: u32) -> Result<Schemas, String> {
    let json: Value = serde_json::from_slice(json).map_err(|_| "its schema is no JSON".to_owned())?;
    let mut parser = Parser { names: HashMap::new(), named: Vec::new(), types: 0 };
    let root = parser.schema(&json, "", nesting)?;
    Ok(Schemas { root, named: parser.named })
}

struct Parser {
    names: HashMap<String, usize>,
    named: Vec<Option<Rc<Schema>>>,
    types: usize,
}

impl Parser {
    fn schema(&mut self, json: &Value, space: &str, depth: u32) -> Result<Rc<Schema>, String> {
        self.types += 1;
        if depth == 0 || self.types > MOST {
            return Err("its schema is nested too deep or too large".into());
        }
        Ok(Rc::new(match json {
            Value::String(name) => return self.by_name(name, space),
            Value::Array(branches) => {
                let branches = branches.iter().map(|branch| self.schema(branch, space, depth - 1));
                Schema::Union(branches.collect::<Result<_, _>>()?)
            }
            Value::Object(object) => {
                let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
                let logical = text("logicalType");
                let scale = object.get("scale").and_then(Value::as_u64).unwrap_or(0) as u32;
                match object.get("type") {
                    Some(Value::String(kind)) => match kind.as_str() {
                        "record" | "error" => return self.record(json, space, depth),
                        "enum" => {
                            let symbols = object.get("symbols").and_then(Value::as_array).into_iter().flatten();
                            let symbols = symbols.map(|s| s.as_str().unwrap_or_default().to_owned()).collect();
                            return Ok(self.declare(json, space, Schema::Enum(symbols)));
                        }
                        "fixed" => {
                            let size = object
                                .get("size")
                                .and_then(Value::as_u64)
                                .ok_or("its schema has a type without size")?;
                            let kind = match logical {
                                "decimal" => Fixed::Decimal(scale),
                                "duration" if size == 12 => Fixed::Duration,
                                "uuid" if size == 16 => Fixed::Uuid,
                                _ => Fixed::Bytes,
                            };
                            return Ok(self.declare(json, space, Schema::Fixed(size as usize, kind)));
                        }
                        "array" => {
                            Schema::Array(self.schema(object.get("items").unwrap_or(&Value::Null), space, depth - 1)?)
                        }
                        "map" => {
                            Schema::Map(self.schema(object.get("values").unwrap_or(&Value::Null), space, depth - 1)?)
                        }
                        "int" => Schema::Int(Number::of(logical)),
                        "long" => Schema::Long(Number::of(logical)),
                        "bytes" => Schema::Bytes((logical == "decimal").then_some(scale)),
                        name => return self.by_name(name, space),
                    },
                    Some(inner) => return self.schema(inner, space, depth - 1),
                    None => return Err("its schema has a type that says nothing".into()),
                }
            }
            _ => return Err("its schema has a type that says nothing".into()),
        }))
    }

    fn by_name(&self, name: &str, space: &str) -> Result<Rc<Schema>, String> {
        Ok(Rc::new(match name {
            "null" => Schema::Null,
            "boolean" => Schema::Boolean,
            "int" => Schema::Int(Number::Plain),
            "long" => Schema::Long(Number::Plain),
            "float" => Schema::Float,
            "double" => Schema::Double,
            "bytes" => Schema::Bytes(None),
            "string" => Schema::String,
            name => {
                let full = full_name(name, space);
                let number = self.names.get(&full).or_else(|| self.names.get(name));
                Schema::Named(*number.ok_or("its schema uses a type that it does not declare")?)
            }
        }))
    }

    fn record(&mut self, json: &Value, space: &str, depth: u32) -> Result<Rc<Schema>, String> {
        let (number, space) = self.reserve(json, space);
        let mut fields = Vec::new();
        for field in json.get("fields").and_then(Value::as_array).into_iter().flatten() {
            let name = field.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            fields.push((name, self.schema(field.get("type").unwrap_or(&Value::Null), &space, depth - 1)?));
        }
        self.named[number] = Some(Rc::new(Schema::Record(fields)));
        Ok(Rc::new(Schema::Named(number)))
    }

    fn declare(&mut self, json: &Value, space: &str, schema: Schema) -> Rc<Schema> {
        let (number, _) = self.reserve(json, space);
        self.named[number] = Some(Rc::new(schema));
        Rc::new(Schema::Named(number))
    }

    /// Takes a number for the type that is declared here, before what is in it may refer to it.
    fn reserve(&mut self, json: &Value, space: &str) -> (usize, String) {
        let text = |key: &str| json.get(key).and_then(Value::as_str);
        let space = text("namespace").unwrap_or(space);
        let full = full_name(text("name").unwrap_or_default(), space);
        self.named.push(None);
        let inner = full.rsplit_once('.').map_or(String::new(), |(space, _)| space.to_owned());
        self.names.insert(full, self.named.len() - 1);
        (self.named.len() - 1, inner)
    }
}

impl Number {
    fn of(logical: &str) -> Self {
        match logical {
            "date" => Self::Date,
            "time-millis" => Self::Time(1_000),
            "time-micros" => Self::Time(1_000_000),
            "timestamp-millis" | "local-timestamp-millis" => Self::Timestamp(1_000),
            "timestamp-micros" | "local-timestamp-micros" => Self::Timestamp(1_000_000),
            "timestamp-nanos" | "local-timestamp-nanos" => Self::Timestamp(1_000_000_000),
            _ => Self::Plain,
        }
    }

    pub fn logical(self) -> Logical {
        match self {
            Self::Plain => Logical::Integer,
            Self::Date => Logical::Date,
            Self::Time(_) => Logical::Text,
            Self::Timestamp(_) => Logical::Timestamp,
        }
    }
}

fn full_name(name: &str, space: &str) -> String {
    if name.contains('.') || space.is_empty() { name.to_owned() } else { format!("{space}.{name}") }
}
