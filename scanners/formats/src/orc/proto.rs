//! Messages of Protocol Buffers, field by field: what a file's tail and its stripes' footers are written in.
//!
//! Nothing here recurses and nothing is allocated: a message within a message is bytes until someone asks for its fields.

/// A field of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Value<'a> {
    /// Whole numbers, truth values, enumerations.
    Number(u64),
    /// Texts, messages, packed lists.
    Bytes(&'a [u8]),
    /// Numbers of a fixed size, none of which matters here.
    Fixed,
}

/// The bytes are no message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Damaged;

impl<'a> Value<'a> {
    pub fn number(self) -> Result<u64, Damaged> {
        match self {
            Self::Number(number) => Ok(number),
            _ => Err(Damaged),
        }
    }

    pub fn bytes(self) -> Result<&'a [u8], Damaged> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(Damaged),
        }
    }

    /// The numbers of a list, packed or one by one.
    pub fn numbers(self, mut each: impl FnMut(u64)) -> Result<(), Damaged> {
        match self {
            Self::Number(number) => each(number),
            Self::Bytes(mut packed) => {
                while !packed.is_empty() {
                    each(number(&mut packed)?);
                }
            }
            Self::Fixed => return Err(Damaged),
        }
        Ok(())
    }
}

/// Calls `field` with the number and value of each field of a message.
pub(super) fn fields<'a, E: From<Damaged>>(
    message: &'a [u8],
    mut field: impl FnMut(u64, Value<'a>) -> Result<(), E>,
) -> Result<(), E> {
    let mut rest = message;
    while !rest.is_empty() {
        let key = number(&mut rest)?;
        let value = match key & 7 {
            0 => Value::Number(number(&mut rest)?),
            1 => fixed(&mut rest, 8)?,
            2 => {
                let length = usize::try_from(number(&mut rest)?).map_err(|_| Damaged)?;
                let (bytes, behind) = rest.split_at_checked(length).ok_or(Damaged)?;
                rest = behind;
                Value::Bytes(bytes)
            }
            5 => fixed(&mut rest, 4)?,
            _ => return Err(Damaged.into()),
        };
        field(key >> 3, value)?;
    }
    Ok(())
}

fn fixed<'a>(rest: &mut &'a [u8], length: usize) -> Result<Value<'a>, Damaged> {
    *rest = rest.get(length..).ok_or(Damaged)?;
    Ok(Value::Fixed)
}

fn number(rest: &mut &[u8]) -> Result<u64, Damaged> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, behind) = rest.split_first().ok_or(Damaged)?;
        *rest = behind;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_field_by_field() {
        let message = [0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i', 0x1a, 0x03, 0x03, 0x8e, 0x02, 0x25, 1, 2, 3, 4];
        let mut seen = Vec::new();
        let read = fields::<Damaged>(&message, |number, value| {
            seen.push((number, value));
            Ok(())
        });
        assert_eq!(read, Ok(()));
        assert_eq!(seen[..2], [(1, Value::Number(150)), (2, Value::Bytes(b"hi"))]);
        let mut list = Vec::new();
        assert_eq!(seen[2].1.numbers(|number| list.push(number)), Ok(()));
        assert_eq!((list, seen[3]), (vec![3, 270], (4, Value::Fixed)));
    }

    #[test]
    fn what_is_no_message_is_damaged() {
        for (name, bytes) in [
            ("cut number", &[0x08, 0x96][..]),
            ("longer than there is", &[0x12, 5, b'h']),
            ("a group", &[0x0b]),
            ("endless number", &[0xff; 11]),
            ("cut fixed number", &[0x25, 1, 2]),
        ] {
            assert_eq!(fields::<Damaged>(bytes, |_, _| Ok(())), Err(Damaged), "{name}");
        }
    }
}
