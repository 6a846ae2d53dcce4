//! The page: it loads nothing, reads without styles, in large letters and aloud, and prints.

use std::fmt::Write as _;

use super::{Part, Sheet};
use crate::report::html::escape;

/// The sheet as a page of its own.
pub fn html(sheet: &Sheet) -> String {
    let mut page = String::with_capacity(16 << 10);
    let title = escape(&sheet.title);
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p class=\"lead\">{}</p>\n",
        include_str!("sheet.css"),
        escape(&sheet.lead)
    );
    for (number, part) in sheet.parts.iter().enumerate() {
        write_part(&mut page, number + 1, part);
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn write_part(page: &mut String, number: usize, part: &Part) {
    let heading = escape(part.heading);
    let _ = write!(page, "<section aria-labelledby=\"part-{number}\">\n<h2 id=\"part-{number}\">{heading}</h2>\n");
    if !part.text.is_empty() {
        let _ = writeln!(page, "<p>{}</p>", escape(&part.text));
    }
    if !part.facts.is_empty() {
        page.push_str("<dl>\n");
        for (name, fact) in &part.facts {
            let _ = writeln!(page, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(fact));
        }
        page.push_str("</dl>\n");
    }
    if !part.list.is_empty() {
        page.push_str("<ul>\n");
        for item in &part.list {
            let _ = writeln!(page, "<li>{}</li>", escape(item));
        }
        page.push_str("</ul>\n");
    }
    page.push_str("</section>\n");
}
