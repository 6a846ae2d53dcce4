//! The picture of the flows: sources on the left, purposes between, recipients on the right, as inline SVG.
//!
//! A band is as wide as its number of findings. Bands on the left show each finding once for each purpose, those on the
//! right once for each recipient, so a purpose is as high as the larger of its two sides. The narrowest band is still
//! seen: what is sold is often little. Ways are told apart by words beside the recipient, not by colour alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::html::escape;
use super::super::human::{count, counted};
use super::{Account, end_label, purpose_label};
use crate::map::{Flow, Way};

const WIDTH: f64 = 1000.0;
const COLUMNS: [f64; 3] = [170.0, 470.0, 760.0];
const BAR: f64 = 12.0;
const GAP: f64 = 22.0;
const TOP: f64 = 34.0;
/// The height of what flows, gaps aside.
const HEIGHT: f64 = 380.0;
const NARROWEST: f64 = 1.5;

/// One band between two neighbouring columns.
struct Band {
    from: String,
    to: String,
    findings: u64,
    sensitive: u64,
    class: &'static str,
}

/// One bar of a column.
struct Bar {
    name: String,
    class: &'static str,
    y: f64,
    height: f64,
}

/// The picture, or a sentence if there is nothing to draw.
pub(super) fn svg(account: &Account<'_>) -> String {
    let (left, right) = bands(account);
    if left.is_empty() {
        return "<p>Nothing personal was found, so nothing flows.</p>\n".to_owned();
    }
    let total: u64 = left.iter().map(|band| band.findings).sum::<u64>().max(right.iter().map(|b| b.findings).sum());
    let scale = HEIGHT / total.max(1) as f64;
    let high = |findings: u64| (findings as f64 * scale).max(NARROWEST);
    let columns = [
        column(&left, |b| &b.from, &[], high),
        column(&left, |b| &b.to, &right, high),
        column(&right, |b| &b.to, &[], high),
    ];
    let bottom = columns.iter().flatten().map(|bar| bar.y + bar.height).fold(0.0, f64::max);
    let mut svg = format!(
        "<svg class=\"flow\" viewBox=\"0 0 {WIDTH} {:.0}\" role=\"img\" aria-labelledby=\"flow-title flow-desc\">\n\
         <title id=\"flow-title\">What flows from sources through purposes to recipients</title>\n\
         <desc id=\"flow-desc\">{} The table below has every flow with its number.</desc>\n",
        bottom + 16.0,
        escape(&description(&left, &right))
    );
    for (x, title) in COLUMNS.iter().zip(["Source", "Purpose", "Recipient"]) {
        let _ = writeln!(svg, "<text class=\"head\" x=\"{:.0}\" y=\"16\">{title}</text>", x + BAR / 2.0);
    }
    draw(&mut svg, &left, [&columns[0], &columns[1]], [COLUMNS[0] + BAR, COLUMNS[1]], high);
    draw(&mut svg, &right, [&columns[1], &columns[2]], [COLUMNS[1] + BAR, COLUMNS[2]], high);
    for (i, bars) in columns.iter().enumerate() {
        for Bar { name, class, y, height } in bars {
            let x = COLUMNS[i];
            // Sources have their names on the left, where nothing flows; the others on the right.
            let (at, anchor) = if i == 0 { (x - 8.0, "end") } else { (x + BAR + 8.0, "start") };
            let _ = writeln!(
                svg,
                "<g><title>{0}</title><rect class=\"bar-{class}\" x=\"{x:.0}\" y=\"{y:.1}\" width=\"{BAR}\" height=\"{height:.1}\"/>\
                 <text class=\"name\" x=\"{at:.0}\" y=\"{1:.1}\" text-anchor=\"{anchor}\">{2}</text></g>",
                escape(name),
                y + height / 2.0 + 4.0,
                escape(&shortened(name, if i == 0 { 24 } else { 34 }))
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// The bands of both sides. Where a flow ends is one bar for each recipient and way.
fn bands(account: &Account<'_>) -> (Vec<Band>, Vec<Band>) {
    let left = account.uses().into_iter().map(|used| Band {
        class: if used.purpose.is_some() { "use" } else { "unsaid" },
        to: purpose_label(used.purpose.as_deref()).to_owned(),
        from: used.source,
        findings: used.findings,
        sensitive: used.sensitive,
    });
    let mut right = BTreeMap::<(Way, String, String), (u64, u64)>::new();
    for flow in account.flows() {
        let key = (flow.way, end(&flow), purpose_label(flow.purpose.as_deref()).to_owned());
        let sum = right.entry(key).or_default();
        *sum = (sum.0 + flow.findings, sum.1 + flow.sensitive);
    }
    let right = right.into_iter().map(|((way, to, from), (findings, sensitive))| Band {
        from,
        to,
        findings,
        sensitive,
        class: way.name(),
    });
    (left.collect(), right.collect())
}

fn end(flow: &Flow) -> String {
    end_label(flow)
}

/// The bars of a column, the highest first, what is not said last.
fn column<'b>(
    bands: &'b [Band],
    here: fn(&'b Band) -> &'b String,
    beyond: &'b [Band],
    high: impl Fn(u64) -> f64,
) -> Vec<Bar> {
    let mut sums = BTreeMap::<&str, ([f64; 2], &'static str, u64)>::new();
    for band in bands {
        let of = sums.entry(here(band)).or_insert(([0.0; 2], band.class, 0));
        of.0[0] += high(band.findings);
        of.2 += band.findings;
    }
    for band in beyond {
        if let Some(of) = sums.get_mut(band.from.as_str()) {
            of.0[1] += high(band.findings);
        }
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(name, (_, class, n))| (*class == "unsaid", std::cmp::Reverse(*n), *name));
    let mut y = TOP;
    let bars = sums.into_iter().map(|(name, (sides, class, _))| {
        let height = sides[0].max(sides[1]);
        let bar = Bar { name: name.to_owned(), class, y, height };
        y += height + GAP.max(18.0 - height);
        bar
    });
    bars.collect()
}

/// Draws bands between two columns, in the order of the bars on both sides, so that they cross as little as may be.
fn draw(svg: &mut String, bands: &[Band], sides: [&[Bar]; 2], x: [f64; 2], high: impl Fn(u64) -> f64) {
    let place = |bars: &[Bar], name: &str| bars.iter().position(|bar| bar.name == name).unwrap_or(0);
    let mut order: Vec<_> = bands.iter().collect();
    order.sort_by_key(|band| (place(sides[0], &band.from), place(sides[1], &band.to)));
    let mut used = [vec![0.0; sides[0].len()], vec![0.0; sides[1].len()]];
    // A bar that is higher than what ends at it here holds it in its middle.
    for (side, bars) in sides.iter().enumerate() {
        for (i, bar) in bars.iter().enumerate() {
            let ends_here = |band: &&&Band| (if side == 0 { &band.from } else { &band.to }) == &bar.name;
            let sum: f64 = order.iter().filter(ends_here).map(|band| high(band.findings)).sum();
            used[side][i] = (bar.height - sum).max(0.0) / 2.0;
        }
    }
    for band in order {
        let width = high(band.findings);
        let ends = [place(sides[0], &band.from), place(sides[1], &band.to)];
        let y: Vec<f64> = (0..2).map(|side| sides[side][ends[side]].y + used[side][ends[side]] + width / 2.0).collect();
        (0..2).for_each(|side| used[side][ends[side]] += width);
        let bend = (x[1] - x[0]) / 2.0;
        let path = |dy: f64| {
            let (from, to) = (y[0] + dy, y[1] + dy);
            format!(
                "M{:.1},{from:.1} C{:.1},{from:.1} {:.1},{to:.1} {:.1},{to:.1}",
                x[0],
                x[0] + bend,
                x[1] - bend,
                x[1]
            )
        };
        let of_them = if band.sensitive > 0 { format!(", {} sensitive", count(band.sensitive)) } else { String::new() };
        let _ = write!(
            svg,
            "<g><title>{} → {}: {}{of_them}</title><path class=\"band-{}\" d=\"{}\" stroke-width=\"{width:.1}\"/>",
            escape(&band.from),
            escape(&band.to),
            counted(band.findings, "finding"),
            band.class,
            path(0.0)
        );
        if band.sensitive > 0 {
            let part = (width * band.sensitive as f64 / band.findings as f64).max(NARROWEST).min(width);
            let _ = write!(
                svg,
                "<path class=\"band-sensitive\" d=\"{}\" stroke-width=\"{part:.1}\"/>",
                path((part - width) / 2.0)
            );
        }
        svg.push_str("</g>\n");
    }
}

/// The same in words, for those who do not see it.
fn description(left: &[Band], right: &[Band]) -> String {
    let told = left.iter().chain(right).map(|b| format!("{} to {}: {}.", b.from, b.to, count(b.findings)));
    told.collect::<Vec<_>>().join(" ")
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
