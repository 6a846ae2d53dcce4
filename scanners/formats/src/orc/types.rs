//! The types of a file's columns, and that they form a tree.

use super::proto::{Damaged, fields};
use super::stream::damaged;
use crate::Fault;
use crate::arrays::MAX_DEPTH;

/// A column, or a part of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Type {
    pub kind: Kind,
    /// Numbers of the columns in it, each larger than its own.
    pub children: Vec<u32>,
    /// Their names, if it is a structure.
    pub names: Vec<Vec<u8>>,
    pub scale: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Boolean,
    Byte,
    Integer,
    Float,
    Double,
    Text,
    Binary,
    Timestamp,
    Instant,
    List,
    Map,
    Structure,
    Union,
    Decimal,
    Date,
}

impl Kind {
    /// Whether it holds other columns instead of values.
    pub fn is_nested(self) -> bool {
        matches!(self, Self::List | Self::Map | Self::Structure | Self::Union)
    }
}

impl Type {
    pub fn parse(message: &[u8]) -> Result<Self, Fault> {
        let (mut number, mut parsed) =
            (0, Self { kind: Kind::Boolean, children: Vec::new(), names: Vec::new(), scale: 0 });
        fields::<Fault>(message, |field, value| {
            match field {
                1 => number = value.number()?,
                2 => value.numbers(|child| parsed.children.push(u32::try_from(child).unwrap_or(u32::MAX)))?,
                3 => parsed.names.push(value.bytes()?.to_vec()),
                6 => parsed.scale = u32::try_from(value.number()?).map_err(|_| Damaged)?,
                _ => {}
            }
            Ok(())
        })?;
        parsed.kind = match number {
            0 => Kind::Boolean,
            1 => Kind::Byte,
            2..=4 => Kind::Integer,
            5 => Kind::Float,
            6 => Kind::Double,
            7 | 16 | 17 => Kind::Text,
            8 => Kind::Binary,
            9 => Kind::Timestamp,
            10 => Kind::List,
            11 => Kind::Map,
            12 => Kind::Structure,
            13 => Kind::Union,
            14 => Kind::Decimal,
            15 => Kind::Date,
            18 => Kind::Instant,
            // Geometry and geography, in the binary form of maps.
            19 | 20 => Kind::Binary,
            _ => {
                return Err(Fault::unsupported(format!(
                    "its type (number {number}) is not known; write the file without it"
                )));
            }
        };
        let children = parsed.children.len();
        let is_right = match parsed.kind {
            Kind::List => children == 1,
            Kind::Map => children == 2,
            Kind::Structure => children == parsed.names.len(),
            Kind::Union => (1..=256).contains(&children),
            _ => children == 0,
        };
        match is_right && parsed.scale <= 38 {
            true => Ok(parsed),
            false => Err(damaged("its type makes no sense")),
        }
    }
}

/// Columns form one tree in depth-first order: each stands behind the one it is in, and in no other.
pub(super) fn check_tree(columns: &[Type], nesting: usize) -> Result<(), Fault> {
    if columns.is_empty() {
        return Err(damaged("it has no columns"));
    }
    let most = MAX_DEPTH.min(nesting);
    // The root counts as no level.
    let mut depths = vec![None; columns.len()];
    depths[0] = Some(0);
    for (number, column) in columns.iter().enumerate() {
        for &child in &column.children {
            let child = child as usize;
            let depth = match (depths[number], depths.get(child)) {
                (Some(depth), Some(None)) if child > number => depth + 1,
                _ => return Err(damaged(&format!("column {number} holds one that cannot be in it ({child})"))),
            };
            if depth > most {
                let reason = format!(
                    "the columns are nested more than {most} levels deep; write them flat, or raise the limit `nesting` \
                     (at most {MAX_DEPTH} levels are read)"
                );
                return Err(Fault::limit(reason));
            }
            depths[child] = Some(depth);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(kind: Kind, children: &[u32]) -> Type {
        Type { kind, children: children.to_vec(), names: Vec::new(), scale: 0 }
    }

    #[test]
    fn columns_form_a_tree() {
        use Kind::{Integer, List, Structure};
        for (name, columns, reason) in [
            (
                "a tree",
                vec![column(Structure, &[1, 2]), column(Integer, &[]), column(List, &[3]), column(Integer, &[])],
                "",
            ),
            ("itself", vec![column(List, &[0])], "column 0 holds one that cannot be in it (0)"),
            ("a circle", vec![column(List, &[1]), column(List, &[0])], "column 1 holds"),
            ("none", vec![], "no columns"),
            ("in two", vec![column(Structure, &[1, 2]), column(List, &[2]), column(Integer, &[])], "column 1 holds"),
            ("twice", vec![column(Structure, &[1, 1]), column(Integer, &[])], "column 0 holds"),
            ("not there", vec![column(List, &[7])], "column 0 holds"),
            ("in nothing", vec![column(Integer, &[]), column(List, &[2]), column(Integer, &[])], "column 1 holds"),
            (
                "deep",
                (0..6).map(|i| if i < 5 { column(List, &[i + 1]) } else { column(Integer, &[]) }).collect(),
                "more than 4",
            ),
        ] {
            let told = check_tree(&columns, 4);
            assert_eq!(told.is_ok(), reason.is_empty(), "{name}");
            assert!(told.is_ok() || told.unwrap_err().reason.contains(reason), "{name}");
        }
    }
}
