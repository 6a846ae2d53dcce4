//! Workbooks that other programs write otherwise than Excel, and hostile ones: what is deleted is what was read.

use residuum_source::Limits;

use super::packed::zip;
use super::told::{Do, Told, edit};
use crate::testing::read_bytes;

const TYPES: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// A workbook with these sheets, and parts beside them.
fn workbook(sheets: &[&str], more: &[(&str, String)]) -> Vec<u8> {
    let of = |i: usize| format!("xl/worksheets/sheet{i}.xml");
    let relations = |all: String| format!("<Relationships>{all}</Relationships>");
    let numbered = |text: &dyn Fn(usize) -> String| (1..=sheets.len()).map(text).collect::<String>();
    let listed = numbered(&|i| format!("<sheet name=\"S{i}\" sheetId=\"{i}\" r:id=\"r{i}\"/>"));
    let related = numbered(&|i| {
        format!("<Relationship Id=\"r{i}\" Type=\"{TYPES}/worksheet\" Target=\"worksheets/sheet{i}.xml\"/>")
    });
    let book = format!("<Relationship Id=\"b\" Type=\"{TYPES}/officeDocument\" Target=\"xl/workbook.xml\"/>");
    let mut parts = vec![
        ("[Content_Types].xml".to_owned(), "<Types/>".to_owned()),
        ("_rels/.rels".to_owned(), relations(book)),
        ("xl/workbook.xml".to_owned(), format!("<workbook><sheets>{listed}</sheets></workbook>")),
        ("xl/_rels/workbook.xml.rels".to_owned(), relations(related)),
    ];
    parts.extend(sheets.iter().zip(1..).map(|(sheet, i)| (of(i), (*sheet).to_owned())));
    parts.extend(more.iter().map(|(name, text)| ((*name).to_owned(), text.clone())));
    let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    zip(&parts)
}

/// Comments on the first sheet.
fn comments(text: &str) -> Vec<(&'static str, String)> {
    let related = format!(
        "<Relationships><Relationship Id=\"c\" Type=\"{TYPES}/comments\" Target=\"../comments1.xml\"/></Relationships>"
    );
    vec![("xl/worksheets/_rels/sheet1.xml.rels", related), ("xl/comments1.xml", text.to_owned())]
}

fn sheet(rows: &str) -> String {
    format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")
}

/// A cell that holds its text itself.
fn cell(attributes: &str, text: &str) -> String {
    format!("<c{attributes} t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

fn delete(bytes: &[u8], holds: &'static str) -> Told {
    edit("a.xlsx", bytes, "a.xlsx", holds, Do::Delete, &Limits::default())
}

/// All values of a workbook, in the order they stand.
fn values(bytes: &[u8]) -> Vec<String> {
    let seen = read_bytes("a.xlsx", bytes);
    assert!(seen.reasons().is_empty(), "{:?}", seen.reasons());
    seen.values.iter().map(|value| String::from_utf8_lossy(&value.bytes).into_owned()).collect()
}

#[test]
fn rows_are_counted_as_they_are_read() {
    let (ann, bob, cy) = (cell("", "Ann"), cell("", "Bob"), cell("", "Cy"));
    for (case, rows) in [
        ("no numbers at all", format!("<row>{ann}</row><row>{bob}</row><row>{cy}</row>")),
        (
            "cells that name other rows",
            format!(
                "<row>{}</row><row>{}</row><row>{}</row>",
                cell(" r=\"A1\"", "Ann"),
                cell(" r=\"A3\"", "Bob"),
                cell(" r=\"A2\"", "Cy")
            ),
        ),
        ("an empty row", format!("<row>{ann}</row><row/><row spans=\"1:1\">{bob}</row><row>{cy}</row>")),
        ("a line break in the tag", format!("<row\nr=\"4\">{ann}</row><row\n r=\"6\">{bob}</row><row>{cy}</row>")),
        ("a prefix", format!("<x:row xmlns:x=\"x\">{ann}</x:row><x:row xmlns:x=\"x\">{bob}</x:row><row>{cy}</row>")),
        ("a row in a text", format!("<row>{ann}</row><row>{}{bob}</row><row>{cy}</row>", cell("", "Note:row 5"))),
    ] {
        let before = workbook(&[&sheet(&rows)], &[]);
        let told = delete(&before, "Bob");
        assert_eq!((told.deleted, told.refused.len()), (1, 0), "{case}");
        assert_eq!(values(&told.bytes), ["Ann", "Cy"], "{case}");
    }
}

#[test]
fn a_mark_of_the_encoding_moves_nothing() {
    let marked = |text: String| format!("\u{feff}{text}");
    let rows = format!("<row>{}</row><row>{}</row><row>{}</row>", cell("", "Ann"), cell("", "Bob"), cell("", "Cy"));
    let noted = "<comments><authors><author>Di</author></authors><commentList><comment ref=\"A2\"><text><t>Bob again</t></text></comment>\
                 <comment ref=\"A3\"><text><t>a note</t></text></comment></commentList></comments>";
    let marked_parts: Vec<_> = comments(noted).into_iter().map(|(name, text)| (name, marked(text))).collect();
    let before = workbook(&[&marked(sheet(&rows))], &marked_parts);
    let told = delete(&before, "Bob");
    assert_eq!((told.deleted, told.refused.len()), (1, 0), "{:?}", told.refused);
    let mut left = values(&told.bytes);
    left.sort();
    assert_eq!(left, ["Ann", "Cy", "Di", "a note"]);
}

#[test]
fn text_where_no_element_is_breaks_nothing() {
    let rows = format!("<row>{}</row><row>{}</row>", cell("", "Ann"), cell("", "Bob"));
    for hostile in ["row <worksheet/>", "\u{e9} row <worksheet/>", "<worksheet>row ></worksheet>"] {
        let before = workbook(&[&sheet(&rows), hostile], &[]);
        let told = delete(&before, "Bob");
        assert_eq!((told.deleted, told.refused.len()), (1, 0), "{hostile}: {:?}", told.refused);
        assert_eq!(values(&told.bytes), ["Ann"], "{hostile}");
    }
}

#[test]
fn what_belongs_to_no_row_takes_none_along() {
    let rows = format!("<row>{}</row><row>{}</row><row>{}</row>", cell("", "Name"), cell("", "Ann"), cell("", "Cy"));
    let noted = "<comments><authors><author>Jon Smith</author></authors><commentList>\
                 <comment ref=\"A2\" authorId=\"0\"><text><t>a note</t></text></comment></commentList></comments>";
    let links = |reference: &str| {
        let rows = sheet(&rows);
        let links =
            format!("<hyperlinks><hyperlink ref=\"{reference}\" display=\"Jon Smith\"/></hyperlinks></worksheet>");
        rows.replace("</worksheet>", &links)
    };
    let refused = [
        ("an author", workbook(&[&sheet(&rows)], &comments(noted))),
        ("a link on several rows", workbook(&[&links("A2:A3")], &[])),
    ];
    for (case, before) in refused {
        delete(&before, "Jon Smith").is_refused(&before, "beside its cells", case);
    }
    for reference in ["A2", "A2:C2"] {
        let told = delete(&workbook(&[&links(reference)], &[]), "Jon Smith");
        assert_eq!((told.deleted, told.refused.len()), (1, 0), "{reference}");
        assert_eq!(values(&told.bytes), ["Name", "Cy"], "{reference}");
    }
}

#[test]
fn results_that_hold_what_is_gone_are_taken_out() {
    let number = "<c><v>899123456</v></c>";
    let person = cell("", "Bob Ray") + &cell("", "ray@example.com");
    let rows = format!("<row>{}<c><v>7</v></c></row><row>{}{number}</row>", cell("", "Ann"), person);
    let results = "<row><c><f>S1!B2</f><v>899123456</v></c><c t=\"n\"><f>S1!B2</f><v>8.99123456E8</v></c>\
                   <c t=\"str\"><f>S1!A2</f><v>to ray@example.com</v></c><c><f>S1!B1</f><v>7</v></c><c><f>1*1</f><v>1</v></c></row>";
    let told = delete(&workbook(&[&sheet(&rows), &sheet(results)], &[]), "Bob Ray");
    let left = values(&told.bytes);
    assert_eq!(left, ["Ann", "7", "7", "1"]);
}
