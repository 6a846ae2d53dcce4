//! The chart of categories by source: a matrix of circles whose areas are counts, as inline SVG.
//!
//! Counts of findings differ by orders of magnitude and the small ones are often the grave ones, so bars on one
//! scale would hide what matters; an area still shows eighteen beside eighteen thousand, and every circle has its
//! number beside it.

use std::fmt::Write as _;

use residuum_detect::Category;

use super::Inventory;
use super::html::escape;
use super::human::count;

const LABEL: f64 = 190.0;
const COLUMN: f64 = 92.0;
const ROW: f64 = 66.0;
const HEAD: f64 = 76.0;
const LARGEST: f64 = 20.0;
const SMALLEST: f64 = 2.5;

/// The chart, or a sentence if there is nothing to draw.
pub(super) fn chart(inventory: &Inventory) -> String {
    let counts = |category| inventory.sources.iter().map(move |s| inventory.findings_in(&s.name, category));
    let categories: Vec<_> = Category::ALL.into_iter().filter(|&c| counts(c).any(|n| n > 0)).collect();
    let largest = categories.iter().flat_map(|&c| counts(c)).max().unwrap_or(0);
    if largest == 0 {
        return "<p>Nothing personal was found.</p>".to_owned();
    }
    let width = LABEL + COLUMN * categories.len() as f64;
    let height = HEAD + ROW * inventory.sources.len() as f64 + 8.0;
    let mut svg = format!(
        "<svg class=\"matrix\" viewBox=\"0 0 {width} {height}\" style=\"max-width:{width}px\" role=\"img\" \
         aria-labelledby=\"matrix-title matrix-desc\">\n<title id=\"matrix-title\">Findings by source and category</title>\n\
         <desc id=\"matrix-desc\">{}</desc>\n",
        escape(&description(inventory, &categories))
    );
    for (i, category) in categories.iter().enumerate() {
        let x = LABEL + COLUMN * (i as f64 + 0.5);
        let class = if *category == Category::L { " sensitive" } else { "" };
        let _ = write!(svg, "<text class=\"letter{class}\" x=\"{x}\" y=\"20\">{}</text>", category.letter());
        for (line, words) in wrapped(category.title(), 14).iter().enumerate() {
            let _ = write!(svg, "<text class=\"title\" x=\"{x}\" y=\"{}\">{words}</text>", 36 + 13 * line);
        }
        svg.push('\n');
    }
    for (row, source) in inventory.sources.iter().enumerate() {
        let y = HEAD + ROW * (row as f64 + 0.5);
        let _ = writeln!(
            svg,
            "<line class=\"rule\" x1=\"0\" x2=\"{width}\" y1=\"{0}\" y2=\"{0}\"/><text class=\"source\" x=\"4\" y=\"{1}\">{2}</text>\
             <text class=\"kind\" x=\"4\" y=\"{3}\">{4}</text>",
            y - ROW / 2.0,
            y - 2.0,
            escape(&shorten(&source.name, 24)),
            y + 13.0,
            escape(&source.kind)
        );
        for (i, &category) in categories.iter().enumerate() {
            let n = inventory.findings_in(&source.name, category);
            let x = LABEL + COLUMN * (i as f64 + 0.5);
            if n == 0 {
                let _ = write!(svg, "<text class=\"none\" x=\"{x}\" y=\"{}\">·</text>", y + 4.0);
                continue;
            }
            let radius = (LARGEST * (n as f64 / largest as f64).sqrt()).max(SMALLEST);
            let class = if category == Category::L { "sensitive" } else { "circle" };
            let _ = writeln!(
                svg,
                "<g><title>{}: {} in {} ({})</title><circle class=\"{class}\" cx=\"{x}\" cy=\"{}\" r=\"{radius:.1}\"/>\
                 <text class=\"n\" x=\"{x}\" y=\"{}\">{}</text></g>",
                category.letter(),
                count(n),
                escape(&source.name),
                category.title(),
                y - 8.0,
                y + 27.0,
                short(n)
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// The same in words, for those who do not see it.
fn description(inventory: &Inventory, categories: &[Category]) -> String {
    let mut text = String::new();
    for source in &inventory.sources {
        let counts = categories.iter().map(|&c| (c, inventory.findings_in(&source.name, c))).filter(|&(_, n)| n > 0);
        let counts: Vec<_> = counts.map(|(c, n)| format!("{} {}", count(n), c.title())).collect();
        let counts = if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") };
        let _ = write!(text, "{}: {counts}. ", source.name);
    }
    text
}

/// Five characters at most: `987`, `12.3k`, `4.56M`.
fn short(n: u64) -> String {
    match n {
        0..10_000 => count(n),
        10_000..1_000_000 => {
            format!("{:.3}", n as f64 / 1e3).chars().take(4).collect::<String>().trim_end_matches('.').to_owned() + "k"
        }
        _ => {
            format!("{:.3}", n as f64 / 1e6).chars().take(4).collect::<String>().trim_end_matches('.').to_owned() + "M"
        }
    }
}

/// A title in lines of so many characters, as far as its words allow.
fn wrapped(title: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in title.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    // The end of a path tells more than its beginning.
    let skip = text.chars().count() - (most - 1);
    format!("…{}", text.chars().skip(skip).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_beside_their_circles() {
        for (n, text) in [
            (7, "7"),
            (9_999, "9,999"),
            (12_345, "12.3k"),
            (999_999, "999k"),
            (4_567_890, "4.56M"),
            (123_456_789, "123M"),
        ] {
            assert_eq!(short(n), text);
        }
    }

    #[test]
    fn titles_fit_their_columns() {
        assert_eq!(wrapped("Sensitive personal information", 14), ["Sensitive", "personal", "information"]);
        assert_eq!(wrapped("Identifiers", 14), ["Identifiers"]);
    }

    #[test]
    fn every_source_and_category_with_findings_is_drawn_and_told() {
        let svg = chart(&super::super::tests::sample());
        assert_eq!(svg.matches("<circle").count(), 4, "{svg}");
        assert!(svg.contains(
            "crm: 258 Identifiers, 18 Customer records, 18 Sensitive personal information. files: 1 Identifiers. "
        ));
        assert_eq!(chart(&Inventory::default()), "<p>Nothing personal was found.</p>");
    }
}
