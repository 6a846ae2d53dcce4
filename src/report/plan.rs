//! A plan of erasure or correction as one page that needs nothing else, for whoever has to approve it or keeps it.
//!
//! It reads without scripts, aloud and in print. It is told what there is by [`PlanPage`], names already sealed.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::html::{begin, end, end_saying, escape};
use super::human::{bytes, count};

/// What the page says.
#[derive(Default)]
pub struct PlanPage {
    /// What it is a plan of.
    pub title: &'static str,
    /// When it was made.
    pub made: String,
    /// The request it is for.
    pub request: Option<String>,
    /// People it is about.
    pub people: Option<u64>,
    /// What it costs, by source.
    pub costs: Vec<SourceCost>,
    /// What is done, with how many records.
    pub actions: Vec<(&'static str, u64)>,
    /// Where.
    pub objects: Vec<ObjectLine>,
    /// What stays behind when records go.
    pub notes: Vec<String>,
    /// What is left.
    pub left: Vec<LeftLine>,
    /// Whether names that are personal are shown.
    pub is_opened: bool,
    /// What was done, if it was carried out.
    pub done: Option<Done>,
}

/// What a source's part of a plan costs.
pub struct SourceCost {
    /// Its name.
    pub source: String,
    /// Objects with records to act on.
    pub objects: u64,
    /// Records to act on.
    pub records: u64,
    /// Bytes to be read.
    pub bytes_read: u64,
    /// Bytes to be written.
    pub bytes_written: u64,
    /// Rows to be locked.
    pub rows_locked: u64,
    /// Statements that lock or write.
    pub statements: u64,
    /// Bytes to be scanned again.
    pub bytes_scanned: u64,
}

/// Records of one object that are treated alike.
pub struct ObjectLine {
    /// Its source.
    pub source: String,
    /// Its name.
    pub object: String,
    /// Its format with those around it.
    pub format: String,
    /// What is done.
    pub action: &'static str,
    /// With how many records.
    pub records: u64,
    /// How they are written.
    pub method: String,
}

/// Places of one object that are left for one reason.
pub struct LeftLine {
    /// Its source.
    pub source: String,
    /// Its name.
    pub object: String,
    /// Places.
    pub places: u64,
    /// The state: `retained`, `joint`, `possible`, `manual`.
    pub state: &'static str,
    /// The exception, if it is retained under one.
    pub exception: Option<String>,
    /// Why.
    pub reason: String,
}

/// What was done of the plan.
pub struct Done {
    /// Records deleted.
    pub deleted: u64,
    /// Records in which something was replaced.
    pub edited: u64,
    /// Records that were gone already.
    pub gone: u64,
    /// What was not done, with the reason.
    pub refused: Vec<String>,
    /// What else there is to know.
    pub notes: Vec<String>,
    /// Whether it was asked to stop before the end.
    pub interrupted: bool,
    /// Who has to be told of it, and how that stands.
    pub notices: Vec<String>,
    /// What the person is told, one paragraph each.
    pub reply: Vec<String>,
}

/// Writes the page.
///
/// # Errors
/// When it cannot be written.
pub fn plan_html(plan: &PlanPage, out: &mut dyn Write) -> io::Result<()> {
    let mut page = String::with_capacity(64 << 10);
    let request = plan.request.as_deref().map_or_else(String::new, |id| format!("request {} · ", escape(id)));
    begin(&mut page, plan.title, &format!("{request}{}", escape(&plan.made)));
    figures(&mut page, plan);
    page.push_str("<main>\n");
    done(&mut page, plan);
    actions(&mut page, plan);
    costs(&mut page, plan);
    stays_behind(&mut page, plan);
    left(&mut page, plan);
    let columns = [("Source", ""), ("Object", ""), ("Format", ""), ("Action", ""), ("Records", "n"), ("How", "")];
    table(&mut page, "Where", &columns);
    for line in &plan.objects {
        let cells = [
            escape(&line.source),
            format!("<code>{}</code>", escape(&line.object)),
            escape(&line.format),
            chip(line.action, false),
            count(line.records),
            escape(&line.method),
        ];
        row(&mut page, &columns, &cells);
        if page.len() > 1 << 16 {
            out.write_all(page.as_bytes())?;
            page.clear();
        }
    }
    page.push_str(if plan.objects.is_empty() {
        "<tr><td colspan=\"6\">Nowhere.</td></tr>\n</tbody></table></div>\n"
    } else {
        "</tbody></table></div>\n"
    });
    match plan.is_opened {
        true => {
            end_saying(&mut page, &plan.made, "", "Names that are personal themselves are shown, as was asked for.")
        }
        false => end(&mut page, &plan.made, ""),
    }
    out.write_all(page.as_bytes())
}

fn figures(page: &mut String, plan: &PlanPage) {
    let sum = |of: fn(&SourceCost) -> u64| plan.costs.iter().map(of).sum::<u64>();
    let places = |is_kept: bool| {
        let of = plan.left.iter().filter(|line| (line.state == "retained") == is_kept);
        of.map(|line| line.places).sum::<u64>()
    };
    page.push_str("<ul class=\"figures\">\n");
    let mut figure = |class: &str, number: String, label: &str| {
        let _ = writeln!(page, "<li class=\"{class}\"><b>{number}</b>{label}</li>");
    };
    if let Some(people) = plan.people {
        figure("", count(people), if people == 1 { "person" } else { "people" });
    }
    match &plan.done {
        Some(done) => {
            figure("good", count(done.deleted), "records deleted");
            figure("good", count(done.edited), "records edited");
            figure(if done.refused.is_empty() { "" } else { "grave" }, count(done.refused.len() as u64), "not done");
        }
        None => {
            figure("", count(sum(|cost| cost.records)), "records to act on");
            figure("", count(sum(|cost| cost.objects)), "objects");
            figure("", bytes(sum(|cost| cost.bytes_read)), "to be read");
            figure("", count(sum(|cost| cost.rows_locked)), "rows to be locked");
        }
    }
    figure("", count(places(true)), "places kept");
    figure(if places(false) > 0 { "grave" } else { "good" }, count(places(false)), "places left to a person");
    page.push_str("</ul>\n</header>\n");
}

fn done(page: &mut String, plan: &PlanPage) {
    let Some(done) = &plan.done else { return };
    let interrupted =
        if done.interrupted { " It was interrupted: the same command goes on where it stopped." } else { "" };
    let _ = write!(
        page,
        "<h2>Done</h2>\n<div class=\"panel\"><p>{} deleted, {} edited, {} gone already.{interrupted}</p>\n",
        count(done.deleted),
        count(done.edited),
        count(done.gone)
    );
    for (title, lines) in [
        ("Not done", &done.refused),
        ("Worth knowing", &done.notes),
        ("Who is told", &done.notices),
        ("What the person is told", &done.reply),
    ] {
        if !lines.is_empty() {
            let _ = write!(page, "<h3>{title}</h3>\n<ul>\n");
            for line in lines {
                let _ = writeln!(page, "<li>{}</li>", escape(line));
            }
            page.push_str("</ul>\n");
        }
    }
    page.push_str("</div>\n");
}

fn actions(page: &mut String, plan: &PlanPage) {
    let most = plan.actions.iter().map(|(_, records)| *records).max().unwrap_or(1).max(1);
    let columns = [("Action", ""), ("Records", "n"), ("Share", "")];
    table(page, if plan.done.is_some() { "What is still to be done" } else { "What is done" }, &columns);
    for (action, records) in &plan.actions {
        let width = *records as f64 * 100.0 / most as f64;
        let bar = format!("<span class=\"bar\" style=\"width:{width:.1}%\" aria-hidden=\"true\"></span>");
        row(page, &columns, &[(*action).to_owned(), count(*records), bar]);
    }
    if plan.actions.is_empty() {
        page.push_str("<tr><td colspan=\"3\">Nothing.</td></tr>\n");
    }
    page.push_str("</tbody></table></div>\n");
}

fn costs(page: &mut String, plan: &PlanPage) {
    if plan.costs.is_empty() {
        return;
    }
    let columns = [
        ("Source", ""),
        ("Objects", "n"),
        ("Records", "n"),
        ("Read", "n"),
        ("Written", "n"),
        ("Rows locked", "n"),
        ("Statements", "n"),
        ("Scanned again", "n"),
    ];
    table(page, "What it costs", &columns);
    for cost in &plan.costs {
        let cells = [
            escape(&cost.source),
            count(cost.objects),
            count(cost.records),
            bytes(cost.bytes_read),
            bytes(cost.bytes_written),
            count(cost.rows_locked),
            count(cost.statements),
            bytes(cost.bytes_scanned),
        ];
        row(page, &columns, &cells);
    }
    page.push_str(
        "</tbody></table></div>\n<p class=\"soft\">Sizes are unpacked, as the last scan found them. A file or an object of \
         S3 is read and written whole; of a table the planned rows are read and locked, some thousands in a transaction. \
         What was written to is scanned again.</p>\n",
    );
}

fn stays_behind(page: &mut String, plan: &PlanPage) {
    if plan.notes.is_empty() {
        return;
    }
    page.push_str("<h2>What stays behind</h2>\n<div class=\"panel\"><ul>\n");
    for note in &plan.notes {
        let _ = writeln!(page, "<li>{}</li>", escape(note));
    }
    page.push_str("</ul></div>\n");
}

fn left(page: &mut String, plan: &PlanPage) {
    let kept: Vec<_> = plan.left.iter().filter(|line| line.state == "retained").collect();
    let others: Vec<_> = plan.left.iter().filter(|line| line.state != "retained").collect();
    if !kept.is_empty() {
        let columns = [("Exception", ""), ("Source", ""), ("Object", ""), ("Places", "n"), ("Reason", "")];
        table(page, "What is kept", &columns);
        for line in kept {
            let exception = chip(&escape(line.exception.as_deref().unwrap_or("none")), false);
            row(
                page,
                &columns,
                &[exception, escape(&line.source), code(line), count(line.places), escape(&line.reason)],
            );
        }
        page.push_str("</tbody></table></div>\n");
    }
    if !others.is_empty() {
        let columns = [("State", ""), ("Source", ""), ("Object", ""), ("Places", "n"), ("Reason", "")];
        table(page, "What is left to a person", &columns);
        for line in others {
            let state = chip(line.state, line.state != "possible");
            row(page, &columns, &[state, escape(&line.source), code(line), count(line.places), escape(&line.reason)]);
        }
        page.push_str("</tbody></table></div>\n");
    }
}

fn code(line: &LeftLine) -> String {
    format!("<code>{}</code>", escape(&line.object))
}

/// Begins a table; each column with its class.
fn table(page: &mut String, title: &str, columns: &[(&str, &str)]) {
    let _ = write!(
        page,
        "<h2>{title}</h2>\n<div class=\"panel\"><table>\n<caption class=\"unseen\">{title}</caption>\n<thead><tr>"
    );
    for (name, class) in columns {
        let _ = write!(page, "<th scope=\"col\" class=\"{class}\">{name}</th>");
    }
    page.push_str("</tr></thead>\n<tbody>\n");
}

/// A row of cells that are markup already; the first names it.
fn row(page: &mut String, columns: &[(&str, &str)], cells: &[String]) {
    page.push_str("<tr>");
    for ((_, class), cell) in columns.iter().zip(cells) {
        let _ = write!(page, "<td class=\"{class}\">{cell}</td>");
    }
    page.push_str("</tr>\n");
}

fn chip(text: &str, is_grave: bool) -> String {
    format!("<span class=\"chip{}\">{text}</span>", if is_grave { " grave" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> PlanPage {
        let left = |state, exception: Option<&str>, reason: &str| LeftLine {
            source: "crm".to_owned(),
            object: "public.<b>invoices</b>".to_owned(),
            places: 3,
            state,
            exception: exception.map(str::to_owned),
            reason: reason.to_owned(),
        };
        PlanPage {
            title: "Plan of erasure",
            made: "2026-01-31T08:15:00Z".to_owned(),
            request: Some("R-2041 & more".to_owned()),
            people: Some(1),
            costs: vec![SourceCost {
                source: "crm".to_owned(),
                objects: 2,
                records: 1200,
                bytes_read: 123_456,
                bytes_written: 0,
                rows_locked: 1200,
                statements: 4,
                bytes_scanned: 5_000_000,
            }],
            actions: vec![("delete record", 1200)],
            objects: vec![ObjectLine {
                source: "crm".to_owned(),
                object: "public.people".to_owned(),
                format: "table".to_owned(),
                action: "delete record",
                records: 1200,
                method: "splice".to_owned(),
            }],
            notes: vec!["public.people in crm: the table keeps its <history>".to_owned()],
            left: vec![left("retained", Some("(d)(8)"), "tax law"), left("joint", None, "say whose")],
            is_opened: false,
            done: None,
        }
    }

    fn page(plan: &PlanPage) -> String {
        let mut out = Vec::new();
        plan_html(plan, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn it_says_what_where_how_many_and_what_is_kept() {
        let page = page(&sample());
        let said = [
            "<h1>Plan of erasure</h1>",
            "request R-2041 &amp; more",
            "<b>1</b>person",
            "<b>1,200</b>records to act on",
            "<b>123 kB</b>to be read",
            "What it costs",
            "5.0 MB",
            "What stays behind",
            "keeps its &lt;history&gt;",
            "What is kept",
            "(d)(8)",
            "What is left to a person",
            "public.&lt;b&gt;invoices&lt;/b&gt;",
        ];
        said.into_iter().for_each(|text| assert!(page.contains(text), "{text}"));
        assert!(!page.contains("<b>invoices"), "names are text");
    }

    #[test]
    fn it_needs_nothing_else_and_its_tables_have_heads_and_captions() {
        let page = page(&sample());
        for outside in ["http://", "https://", "src=", "url(", "@import", "<link", "<script"] {
            assert!(!page.contains(outside), "{outside}");
        }
        let tables = page.matches("<table>").count();
        assert_eq!((tables, page.matches("<caption").count(), page.matches("<thead>").count()), (5, 5, 5));
        for tag in ["main", "table", "tbody", "ul", "div", "header"] {
            let (opened, closed) =
                (page.matches(&format!("<{tag}")).count(), page.matches(&format!("</{tag}>")).count());
            // `<head>` begins as `<header>` does.
            assert_eq!(opened, closed, "{tag}");
        }
    }

    #[test]
    fn it_does_not_say_that_names_are_sealed_when_they_are_shown() {
        assert!(page(&sample()).contains("are sealed"));
        let opened = page(&PlanPage { is_opened: true, ..sample() });
        assert!(opened.contains("are shown, as was asked for") && !opened.contains("are sealed"));
    }

    #[test]
    fn what_was_done_stands_first() {
        let done = Done {
            deleted: 1199,
            edited: 0,
            gone: 0,
            refused: vec!["public.people, id 7 (locked): another session has it locked".to_owned()],
            notes: Vec::new(),
            interrupted: true,
            notices: vec!["carrier is told".to_owned()],
            reply: vec!["We have complied".to_owned()],
        };
        let page = page(&PlanPage { done: Some(done), ..sample() });
        for text in [
            "<b>1,199</b>records deleted",
            "<b>1</b>not done",
            "id 7 (locked)",
            "goes on where it stopped",
            "carrier is told",
        ] {
            assert!(page.contains(text), "{text}");
        }
    }
}
