//! Names and strings as they stand in an SQL statement.

use std::fmt::{self, Display};

/// An identifier between double quotes: `"order ""x"""`.
pub struct Ident<'a>(pub &'a str);

impl Display for Ident<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        quoted(f, self.0, '"')
    }
}

/// An identifier between backticks, as MariaDB and MySQL have it: `` `order` ``.
pub struct Backticked<'a>(pub &'a str);

impl Display for Backticked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        quoted(f, self.0, '`')
    }
}

/// A string as hexadecimal digits, which no setting of a session reads otherwise: `_utf8mb4 0x61`.
pub struct Hexadecimal<'a>(pub &'a str);

impl Display for Hexadecimal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("''");
        }
        f.write_str("_utf8mb4 0x")?;
        self.0.bytes().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A string between single quotes; for PostgreSQL with `standard_conforming_strings` on.
pub struct Text<'a>(pub &'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        quoted(f, self.0, '\'')
    }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str, mark: char) -> fmt::Result {
    use fmt::Write;
    f.write_char(mark)?;
    for c in text.chars() {
        if c == mark {
            f.write_char(mark)?;
        }
        f.write_char(c)?;
    }
    f.write_char(mark)
}

/// The bytes that pairs of hexadecimal digits are.
#[cfg(any(feature = "mysql", feature = "sqlite"))]
pub fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_inside_are_doubled() {
        assert_eq!(Ident(r#"a "b" c"#).to_string(), r#""a ""b"" c""#);
        assert_eq!(Backticked("a `b` c").to_string(), "`a ``b`` c`");
        assert_eq!(Hexadecimal("it's").to_string(), "_utf8mb4 0x69742773");
        assert_eq!(Text(r"it's a \").to_string(), r"'it''s a \'");
    }
}
