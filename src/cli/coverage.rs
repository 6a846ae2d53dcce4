//! What every command that answers from an index says of the index's coverage.

use super::common::Common;
use super::exit::Exit;
use super::failure::Failure;
use crate::index::{CoverageTotals, Reader};
use crate::report::human::counted;
use residuum_source::Coverage;

/// The totals by state.
pub(super) fn of(totals: &CoverageTotals, state: Coverage) -> u64 {
    match state {
        Coverage::Read => totals.read,
        Coverage::Derived => totals.derived,
        Coverage::Excluded => totals.excluded,
        Coverage::Unsupported => totals.unsupported,
        Coverage::Unreadable => totals.unreadable,
        Coverage::Limit => totals.limit,
    }
}

/// `read 12 · derived 1 · …`.
pub(super) fn line(count: impl Fn(Coverage) -> u64) -> String {
    let state = |state: &Coverage| format!("{} {}", state.name(), crate::report::human::count(count(*state)));
    Coverage::ALL.iter().map(state).collect::<Vec<_>>().join(" · ")
}

/// The exit code for an answer from this index; what is missing is said on standard error.
pub(super) fn exit(reader: &Reader, common: &Common) -> Result<Exit, Failure> {
    let totals = reader.coverage()?;
    let open: Vec<_> = Coverage::ALL.into_iter().filter(|s| s.is_incomplete() && of(&totals, *s) > 0).collect();
    let unfinished = reader.unfinished()?;
    if !unfinished.is_empty() {
        common.say(format_args!(
            "warning: {} objects are read in part only: run the same `residuum scan` again",
            unfinished.len()
        ));
    }
    if !open.is_empty() {
        let counts: Vec<_> = open.iter().map(|s| format!("{} {}", of(&totals, *s), s.name())).collect();
        common
            .say(format_args!("warning: coverage is incomplete: {}; `residuum report` names them", counts.join(", ")));
    }
    let left_out = reader.with_fields_left_out()?;
    if left_out > 0 {
        common.say(format_args!(
            "warning: in {} the scan left out fields by `--exclude`, and what stands there is not known: `residuum report` \
             names them, a scan without it reads them",
            counted(left_out, "object")
        ));
    }
    let is_cut_short = reader.scans()?.last().is_none_or(|scan| scan.ended.is_none() || scan.interrupted);
    if is_cut_short {
        common.say("warning: no scan has ended since the last one began, so much may be missing: run the same `residuum scan` again");
    }
    let is_complete = open.is_empty() && unfinished.is_empty() && !is_cut_short;
    Ok(if is_complete { Exit::Done } else { Exit::Incomplete })
}
