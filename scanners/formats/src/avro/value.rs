//! Values of Avro records, by their schema.

use std::ops::ControlFlow;

use residuum_source::{Flow, Logical, RecordKind, Sink, Stop};

use super::schema::{Fixed, Number, Schema, Schemas};
use crate::Fault;
use crate::container::Within;
use crate::json::append_key;
use crate::moment;
use crate::values::{Key, Values};

/// Reads records.
pub(super) struct Reader<'s, 'l> {
    schemas: &'s Schemas,
    pub values: Values<'l>,
    within: &'s Within<'s>,
    path: String,
}

/// Why a value cannot be read, or the sink asked to stop.
pub(super) enum End {
    Damaged,
    Limit(Fault),
    Stop,
}

impl From<Stop> for End {
    fn from(_: Stop) -> Self {
        Self::Stop
    }
}

pub(super) type Done<T> = Result<T, End>;

/// A flow as a result.
fn go(flow: Flow) -> Done<()> {
    match flow {
        Flow::Continue(()) => Ok(()),
        Flow::Break(_) => Err(End::Stop),
    }
}

impl<'s, 'l> Reader<'s, 'l> {
    pub fn new(schemas: &'s Schemas, values: Values<'l>, within: &'s Within<'s>) -> Self {
        Self { schemas, values, within, path: String::new() }
    }

    /// Reads the records of a block, which follow row `rows`.
    pub fn block(
        &mut self,
        rows: u64,
        count: u64,
        content: &[u8],
        sink: &mut dyn Sink,
    ) -> ControlFlow<Stop, Result<(), Fault>> {
        let mut rest = content;
        for row in rows + 1..=rows.saturating_add(count) {
            if let flow @ ControlFlow::Break(_) = self.values.begin(Key::Number(RecordKind::Row, row), sink) {
                return flow.map_continue(Ok);
            }
            self.path.clear();
            let schemas = self.schemas;
            let before = rest.len();
            match self.value(&schemas.root, &mut rest, 0, sink) {
                Ok(()) => {}
                Err(End::Stop) => return ControlFlow::Break(Stop),
                Err(End::Limit(fault)) => return ControlFlow::Continue(Err(fault)),
                Err(End::Damaged) => {
                    let fault =
                        Fault::unreadable(format!("damaged in row {row}, and not read to the end of its block"));
                    return ControlFlow::Continue(Err(fault));
                }
            }
            // A record of nothing takes no bytes: a count may then be anything.
            if before == rest.len()
                && let Err(fault) = self.within.spend(64)
            {
                return ControlFlow::Continue(Err(fault));
            }
        }
        let fault = Fault::unreadable(format!("{} bytes follow row {} in its block", rest.len(), rows + count));
        ControlFlow::Continue(if rest.is_empty() { Ok(()) } else { Err(fault) })
    }

    fn value(&mut self, schema: &Schema, rest: &mut &[u8], depth: u32, sink: &mut dyn Sink) -> Done<()> {
        if depth > super::MAX_DEPTH {
            return Err(End::Limit(Fault::limit("its values are nested too deep")));
        }
        match schema {
            Schema::Null => Ok(()),
            Schema::Boolean => take(rest, 1).map(drop),
            Schema::Int(kind) | Schema::Long(kind) => {
                let value = long(rest)?;
                let mut text = String::new();
                match kind {
                    Number::Plain => text = value.to_string(),
                    Number::Date => moment::date(value, &mut text),
                    Number::Time(parts) => moment::time(value, *parts, &mut text),
                    Number::Timestamp(parts) => moment::timestamp(value, *parts, &mut text),
                }
                self.push(kind.logical(), text.as_bytes(), sink)
            }
            Schema::Float => {
                let bytes = take(rest, 4)?.try_into().expect("four bytes");
                self.float(f64::from(f32::from_le_bytes(bytes)), &f32::from_le_bytes(bytes).to_string(), sink)
            }
            Schema::Double => {
                let number = f64::from_le_bytes(take(rest, 8)?.try_into().expect("eight bytes"));
                self.float(number, &number.to_string(), sink)
            }
            Schema::Bytes(Some(scale)) => {
                let text = decimal(counted(rest)?, *scale);
                self.push(Logical::Number, text.as_bytes(), sink)
            }
            Schema::Bytes(None) | Schema::String => {
                let bytes = counted(rest)?;
                let is_text = matches!(schema, Schema::String) || std::str::from_utf8(bytes).is_ok();
                self.push(if is_text { Logical::Text } else { Logical::Bytes }, bytes, sink)
            }
            Schema::Fixed(size, kind) => {
                let bytes = take(rest, *size)?;
                match kind {
                    Fixed::Uuid => {
                        let mut text = Vec::new();
                        moment::uuid(bytes, &mut text);
                        self.push(Logical::Uuid, &text, sink)
                    }
                    Fixed::Decimal(scale) => self.push(Logical::Number, decimal(bytes, *scale).as_bytes(), sink),
                    Fixed::Duration => Ok(()),
                    Fixed::Bytes => self.push(Logical::Bytes, bytes, sink),
                }
            }
            Schema::Enum(symbols) => {
                let symbol = usize::try_from(long(rest)?).ok().and_then(|i| symbols.get(i)).ok_or(End::Damaged)?;
                self.push(Logical::Text, symbol.as_bytes(), sink)
            }
            Schema::Union(branches) => {
                let branch = usize::try_from(long(rest)?).ok().and_then(|i| branches.get(i)).ok_or(End::Damaged)?;
                self.value(branch, rest, depth + 1, sink)
            }
            Schema::Named(number) => {
                let schemas = self.schemas;
                let schema = schemas.named[*number].as_ref().ok_or(End::Damaged)?;
                self.value(schema, rest, depth + 1, sink)
            }
            Schema::Record(fields) => {
                let len = self.path.len();
                for (name, schema) in fields {
                    append_key(&mut self.path, name.as_bytes());
                    self.value(schema, rest, depth + 1, sink)?;
                    self.path.truncate(len);
                }
                Ok(())
            }
            Schema::Array(items) => self.blocks(rest, sink, |reader, rest, sink| {
                let len = reader.path.len();
                reader.path.push_str("[]");
                reader.value(items, rest, depth + 1, sink)?;
                reader.path.truncate(len);
                Ok(())
            }),
            Schema::Map(values) => self.blocks(rest, sink, |reader, rest, sink| {
                let len = reader.path.len();
                let key = counted(rest)?;
                reader.path.push_str(if len == 0 { "{key}" } else { ".{key}" });
                reader.push(Logical::Text, key, sink)?;
                reader.path.truncate(len);
                reader.path.push_str(if len == 0 { "{}" } else { ".{}" });
                reader.value(values, rest, depth + 1, sink)?;
                reader.path.truncate(len);
                Ok(())
            }),
        }
    }

    /// The items of an array or a map, which come in blocks.
    fn blocks(
        &mut self,
        rest: &mut &[u8],
        sink: &mut dyn Sink,
        mut item: impl FnMut(&mut Self, &mut &[u8], &mut dyn Sink) -> Done<()>,
    ) -> Done<()> {
        loop {
            let mut count = long(rest)?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                count = count.checked_neg().ok_or(End::Damaged)?;
                long(rest)?;
            }
            for _ in 0..count {
                let before = rest.len();
                item(self, rest, sink)?;
                if before == rest.len() {
                    self.within.spend(64).map_err(End::Limit)?;
                }
            }
        }
    }

    /// Whole numbers without a fraction: programs keep numbers of accounts and telephones as floating point.
    fn float(&mut self, number: f64, text: &str, sink: &mut dyn Sink) -> Done<()> {
        match number.abs() {
            0.0 | 1e-5..1e17 => self.push(Logical::Number, text.as_bytes(), sink),
            _ => self.push(Logical::Number, format!("{number:e}").as_bytes(), sink),
        }
    }

    fn push(&mut self, logical: Logical, value: &[u8], sink: &mut dyn Sink) -> Done<()> {
        go(self.values.value(&self.path, logical, value, sink))
    }
}

pub(super) fn take<'r>(rest: &mut &'r [u8], len: usize) -> Done<&'r [u8]> {
    let (taken, behind) = rest.split_at_checked(len).ok_or(End::Damaged)?;
    *rest = behind;
    Ok(taken)
}

pub(super) fn long(rest: &mut &[u8]) -> Done<i64> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let byte = take(rest, 1)?[0];
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    Err(End::Damaged)
}

pub(super) fn counted<'r>(rest: &mut &'r [u8]) -> Done<&'r [u8]> {
    let len = usize::try_from(long(rest)?).map_err(|_| End::Damaged)?;
    take(rest, len)
}

/// A decimal number: two's complement, high byte first, with so many digits behind the point.
fn decimal(bytes: &[u8], scale: u32) -> String {
    if bytes.len() > 16 {
        return String::new(); // more than thirty-eight digits
    }
    let sign = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { -1i128 } else { 0 };
    let value = bytes.iter().fold(sign, |value, byte| value << 8 | i128::from(*byte));
    let digits = format!("{:0width$}", value.unsigned_abs(), width = (scale as usize).min(64) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - (scale as usize).min(64));
    let minus = if value < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{minus}{whole}") } else { format!("{minus}{whole}.{fraction}") }
}
