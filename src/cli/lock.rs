//! `residuum lock`: SQL that keeps what is retained of a person for its purpose alone.

use std::io::Write as _;

use residuum_detect::Detector;
use serde_json::json;

use super::common::Common;
use super::exit::Exit;
use super::failure::Failure;
use super::people::{self, People};
use super::scan::{choose, open};
use super::{audit, known, output, rules};
use crate::audit::Act;
use crate::identity::FindOptions;
use crate::index::is_sealed;
use crate::report::human::counted;
use crate::request::{Dialect, LeftState, Lock, Orphans, Planner, Policy, Suppression};
use crate::scan::seal_name;

/// Print SQL that keeps what is retained of a person for its purpose alone
///
/// Rows that a `[[retain]]` keeps may be used for nothing else (11 CCR § 7022(f)). For PostgreSQL the SQL makes a row-level
/// policy that hides them from every role that is no member of `--role`; for MariaDB, MySQL and SQLite, which have none, a
/// view without them, `…_unlocked`. Exception, approver and purpose stand beside the rows' keys in a table of the database.
/// Nothing is run: read it, and run it as the owner of the tables. It can be run again, and for each request. Print it
/// before the erasure, while what goes still leads to what is kept, or name the person by the key that stands there (`--id`).
///
/// Exits with 2 if something is kept that cannot be locked; it is named.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  residuum lock crm --email jane@example.com --role tax >lock.sql && psql crm <lock.sql
  residuum lock shop --identifiers people.csv --role tax --reader analytics@% >lock.sql")]
pub(super) struct Args {
    /// The source; a database
    #[arg(value_name = "SOURCE")]
    source: String,
    #[command(flatten)]
    people: People,
    /// The role whose members use the rows for what they are kept for
    #[arg(long, value_name = "ROLE")]
    role: String,
    /// Who reads the views, as `user@host` or a role; MariaDB and MySQL only; may be repeated
    #[arg(long, value_name = "ACCOUNT")]
    reader: Vec<String>,
    /// Write keys of rows that are personal themselves into the SQL; the audit log says so
    #[arg(long)]
    show_values: bool,
    /// The request it is for; stands in the audit log, so no name or address
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let subjects = args.people.subjects_in_full()?;
    let config = common.resolve()?;
    let configured = choose(&config, std::slice::from_ref(&args.source), common)?;
    let index = common.open_index(&config)?;
    let (sources, _) = open(&configured, common)?;
    let source = sources
        .first()
        .ok_or_else(|| Failure::new("the source cannot be reached").hint("`residuum sources check` says why"))?;
    let Some(dialect) = Dialect::of(source.kind()) else {
        return Err(Failure::new(format_args!("sources of kind `{}` have no SQL", source.kind()))
            .hint("keep what is retained there in a place that only its purpose has access to"));
    };
    let detector = Detector::new(&rules::load(&config)?)?;
    let policy = Policy::new(&config);
    let (reader, keys) = (index.reader()?, index.keys());
    known::domains(&reader, &subjects)?;
    known::holds(&reader, &config, common)?;
    let planner = Planner { reader: &reader, keys, detector: &detector, sources: &sources, policy: &policy };
    let options = FindOptions { shared: Suppression::shared(&config.index, keys)?, ..FindOptions::default() };
    let mut plan = planner.erasure(&subjects, &options)?;
    plan.add_orphans(Orphans::standing(&config.index, &reader, keys, &policy, &subjects, &options.shared)?);
    let name = seal_name(&mut detector.worker(), keys, source.name());
    let is_here = |left: &&crate::request::Left| *left.location.finding.source == *name;
    let kept = || plan.left.iter().filter(is_here).filter(|left| matches!(left.state, LeftState::Retained { .. }));
    let is_personal = |left: &crate::request::Left| is_sealed(left.location.finding.record.text().unwrap_or_default());
    if !args.show_values && kept().any(is_personal) {
        return Err(Failure::new("keys of rows that are kept are personal themselves, and the SQL would hold them")
            .hint("`--show-values` writes them; the audit log says so"));
    }
    let lock = Lock::new(&plan, &name, &policy, keys)?;
    let details = json!({ "identifiers": people::kinds(&subjects), "source": source.name(), "rows": lock.rows(),
        "role": args.role, "show_values": args.show_values });
    let (purpose, request) = (args.purpose.clone(), args.request.clone());
    audit::note(&config, common, Act { action: "print lock".to_owned(), purpose, request, details })?;
    if lock.rows() > 0 {
        let mut out = output::stdout();
        out.write_all(lock.sql(dialect, &args.role, &args.reader).as_bytes())?;
        out.flush()?;
    }
    common.say(format_args!("{} to be locked for `{}`", counted(lock.rows(), "row"), args.role));
    for (object, why) in &lock.open {
        common.say(output::printable(&format!("warning: not all that is kept in {object} can be locked: {why}")));
    }
    Ok(if lock.open.is_empty() { Exit::Done } else { Exit::Incomplete })
}
