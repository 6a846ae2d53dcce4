//! The inventory as CSV: a row for each type found in each field.

use std::borrow::Cow;
use std::io::{self, Write};

use residuum_detect::Category;

use super::Inventory;

/// Writes the inventory's fields as CSV, RFC 4180.
///
/// # Errors
/// When it cannot be written.
pub fn csv(inventory: &Inventory, out: &mut dyn Write) -> io::Result<()> {
    const HEAD: [&str; 11] = [
        "source",
        "object",
        "field",
        "type",
        "n_values",
        "n_records",
        "rate",
        "categories",
        "sensitive",
        "field_values",
        "plan",
    ];
    csv_line(out, HEAD)?;
    for field in &inventory.fields {
        for found in &field.types {
            let categories = found.categories.iter().map(|c| c.letter()).collect::<Vec<_>>().join(" ");
            let row: [&str; 11] = [
                &inert(&field.source),
                &inert(&field.object),
                &inert(&field.field),
                found.kind.name(),
                &found.values.to_string(),
                &found.records.to_string(),
                &format!("{:.6}", found.rate),
                &categories,
                if found.categories.contains(&Category::L) { "true" } else { "false" },
                &field.values.to_string(),
                &field.plan,
            ];
            csv_line(out, row)?;
        }
    }
    Ok(())
}

/// A cell that no spreadsheet takes for a formula (OWASP, "CSV Injection"): names come from the data, too.
pub(crate) fn inert(cell: &str) -> Cow<'_, str> {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula { format!("'{cell}").into() } else { cell.into() }
}

/// Writes one line of CSV, RFC 4180, ended by a line feed.
///
/// # Errors
/// When the line cannot be written.
pub(crate) fn csv_line<'a>(out: &mut dyn Write, cells: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
    for (i, cell) in cells.into_iter().enumerate() {
        if i > 0 {
            out.write_all(b",")?;
        }
        if cell.contains([',', '"', '\n', '\r']) {
            write!(out, "\"{}\"", cell.replace('"', "\"\""))?;
        } else {
            out.write_all(cell.as_bytes())?;
        }
    }
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_quote_what_needs_it() {
        let mut out = Vec::new();
        csv_line(&mut out, ["plain", "a,b", "say \"hi\"", "two\nlines", ""]).unwrap();
        assert_eq!(out, b"plain,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\n");
    }

    #[test]
    fn names_with_separators_survive() {
        let mut out = Vec::new();
        csv(&super::super::tests::sample(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("source,object,field,type,n_values,n_records,rate,"));
        assert!(text.contains("crm,main.customers,email,EMAIL,240,240,1.000000,A,false,240,typed email\n"), "{text}");
        assert!(text.contains("\"notes/<script>alert(1)</script>, \"\"x\"\".txt\""), "{text}");
    }

    #[test]
    fn no_cell_is_a_formula() {
        for cell in ["=1+1", "+1 202 555 0123", "-5", "@x"] {
            assert_eq!(inert(cell), format!("'{cell}"));
        }
        assert_eq!(inert("a=b"), "a=b");
    }
}
