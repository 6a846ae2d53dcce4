//! What a scan is asked to do, and which objects and fields are in its scope.

use std::sync::atomic::{AtomicBool, Ordering};

use globset::{Glob, GlobSet, GlobSetBuilder};
use residuum_source::Limits;

use crate::config::{Exclusion, Join};

/// What a scan is asked to do.
#[derive(Clone, Debug)]
pub struct ScanOptions {
    /// Read everything again, changed or not.
    pub full: bool,
    /// Read about so many records of each object only; such a scan can certify nothing.
    pub sample: Option<u64>,
    /// Threads that read and detect.
    pub jobs: usize,
    /// Globs over object and field names; if any are given, only what matches is read.
    pub include: Vec<String>,
    /// Globs over object and field names that are not read.
    pub exclude: Vec<String>,
    /// Objects left out by an approved policy.
    pub exclusions: Vec<Exclusion>,
    /// Joins the owner declared.
    pub joins: Vec<Join>,
    /// Bounds on what one object may cost.
    pub limits: Limits,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            full: false,
            sample: None,
            jobs: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
            include: Vec::new(),
            exclude: Vec::new(),
            exclusions: Vec::new(),
            joins: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// The globs of the options, compiled.
pub(super) struct Scope {
    include: Watched,
    /// The containers that globs such as `2025.zip!**` reach into.
    include_containers: GlobSet,
    exclude: Watched,
    exclusions: Vec<(GlobSet, Exclusion)>,
}

impl Scope {
    /// # Errors
    /// The glob that is not one, with the reason.
    pub fn new(options: &ScanOptions) -> Result<Self, globset::Error> {
        let today = crate::clock::today();
        let holds = |exclusion: &&Exclusion| exclusion.until.as_ref().is_none_or(|until| **until >= *today);
        let outer = |glob: &String| glob.split_once('!').map(|(container, _)| container.to_owned());
        let containers: Vec<String> = options.include.iter().filter_map(outer).collect();
        let policies = options.exclusions.iter().filter(holds);
        Ok(Self {
            include: Watched::new(&options.include)?,
            include_containers: set(&containers)?,
            exclude: Watched::new(&options.exclude)?,
            exclusions: policies
                .map(|exclusion| Ok((set(std::slice::from_ref(&exclusion.object))?, exclusion.clone())))
                .collect::<Result<_, globset::Error>>()?,
        })
    }

    /// Why an object is left out, if it is.
    pub fn leaves_out(&self, source: &str, object: &str) -> Option<String> {
        let approved = self.exclusions.iter().find(|(glob, policy)| policy.source == source && glob.is_match(object));
        if let Some((_, policy)) = approved {
            let until = policy.until.as_ref().map(|until| format!(", until {until}")).unwrap_or_default();
            return Some(format!("{} (approved by {}{until})", policy.reason, policy.approved_by));
        }
        if self.exclude.is_match(object) {
            return Some("left out by --exclude; no approval is recorded".to_owned());
        }
        // A field may match instead, which only reading can tell.
        None
    }

    /// Whether an object is outside of `--include`. One that is says nothing about coverage: the scan is not about it.
    ///
    /// A member is inside if it matches, or if one of the containers around it does.
    pub fn is_outside(&self, object: &str) -> bool {
        let mut around = object.match_indices('!').map(|(at, _)| &object[..at]).chain([object]);
        !self.include.is_empty() && !around.any(|name| self.include.is_match(name)) && !self.may_hold(object)
    }

    /// Whether members of a container may be inside of `--include` though it is not itself.
    fn may_hold(&self, object: &str) -> bool {
        !object.contains('!') && self.include_containers.is_match(object)
    }

    /// Whether a field of an object in scope is left out.
    pub fn leaves_out_field(&self, object: &str, field: &str) -> bool {
        !field.is_empty()
            && !self.exclude.is_empty()
            && (self.exclude.is_match(field) || self.exclude.is_match(&format!("{object}.{field}")))
    }

    /// The globs that have matched nothing so far, as the flags that gave them. With `complete`, everything was
    /// read that they could match; else only globs that match what is listed are judged.
    pub fn unmatched(&self, complete: bool) -> Vec<String> {
        let include = self.include.unmatched().filter(|glob| complete || !glob.contains('!'));
        let exclude = self.exclude.unmatched().filter(|_| complete);
        let flags = include.map(|glob| format!("--include {glob}"));
        flags.chain(exclude.map(|glob| format!("--exclude {glob}"))).collect()
    }
}

/// Globs that know whether they have matched anything.
struct Watched {
    set: GlobSet,
    globs: Vec<(String, AtomicBool)>,
    /// Whether one of them has not.
    waiting: AtomicBool,
}

impl Watched {
    fn new(globs: &[String]) -> Result<Self, globset::Error> {
        let set = set(globs)?;
        let globs = globs.iter().map(|glob| (glob.clone(), AtomicBool::new(false))).collect();
        Ok(Self { set, globs, waiting: AtomicBool::new(true) })
    }

    fn is_empty(&self) -> bool {
        self.globs.is_empty()
    }

    fn is_match(&self, name: &str) -> bool {
        let matches = self.set.is_match(name);
        if matches && self.waiting.load(Ordering::Relaxed) {
            self.set.matches(name).into_iter().for_each(|glob| self.globs[glob].1.store(true, Ordering::Relaxed));
            let waiting = self.unmatched().next().is_some();
            self.waiting.store(waiting, Ordering::Relaxed);
        }
        matches
    }

    fn unmatched(&self) -> impl Iterator<Item = &String> {
        self.globs.iter().filter(|(_, seen)| !seen.load(Ordering::Relaxed)).map(|(glob, _)| glob)
    }
}

fn set(globs: &[String]) -> Result<GlobSet, globset::Error> {
    let mut builder = GlobSetBuilder::new();
    for glob in globs {
        builder.add(Glob::new(glob)?);
    }
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(include: &[&str], exclude: &[&str], until: Option<&str>) -> Scope {
        let strings = |list: &[&str]| list.iter().map(|&s| s.to_owned()).collect();
        let exclusion = Exclusion {
            source: "crm".to_owned(),
            object: "scratch/**".to_owned(),
            approved_by: "privacy office".to_owned(),
            reason: "synthetic".to_owned(),
            until: until.map(str::to_owned),
        };
        let options = ScanOptions {
            include: strings(include),
            exclude: strings(exclude),
            exclusions: vec![exclusion],
            ..ScanOptions::default()
        };
        Scope::new(&options).expect("the globs are valid")
    }

    #[test]
    fn policies_end_and_globs_match() {
        let all = scope(&[], &["*.tmp", "notes"], None);
        assert!(all.leaves_out("crm", "scratch/a.csv").expect("by policy").contains("privacy office"));
        assert_eq!(all.leaves_out("other", "scratch/a.csv"), None);
        assert!(all.leaves_out("crm", "x.tmp").is_some());
        assert!(all.leaves_out_field("main.people", "notes") && !all.leaves_out_field("main.people", "email"));
        assert_eq!(scope(&[], &[], Some("2020-01-01")).leaves_out("crm", "scratch/a.csv"), None);
        assert_eq!(all.unmatched(true), [] as [&str; 0]);
        let some = scope(&["public.*", "nowhere", "x.zip!**"], &["nothing"], None);
        assert!(some.is_outside("audit.log") && !some.is_outside("public.people"));
        assert_eq!(some.unmatched(true), ["--include nowhere", "--include x.zip!**", "--exclude nothing"]);
        assert_eq!(some.unmatched(false), ["--include nowhere"], "what is unchanged may hold the others");
        let members = scope(&["2025.zip!**/*.csv", "old.zip"], &[], None);
        for (name, outside) in [
            ("2025.zip", false),
            ("2025.zip!a/b.csv", false),
            ("2025.zip!a/b.txt", true),
            ("old.zip!a/b.txt", false),
            ("2024.zip", true),
        ] {
            assert_eq!(members.is_outside(name), outside, "{name}");
        }
    }
}
