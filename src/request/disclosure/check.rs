//! Whether a finished package is free of what may never be shown: it is scanned as any other data are.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use residuum_detect::{Detector, Fingerprint, Type, standard_form};
use residuum_formats::{Input, ReadAt};
use residuum_source::{Check, Flow, Limits, Object, ObjectPath, Sink, Source, SourceError, Unit, Version};

use super::encoded;
use super::package::PackageFile;
use super::withheld::Withheld;
use crate::index::{Filter, Index, Keyring, Reader};
use crate::request::RequestError;
use crate::scan::{Scan, ScanOptions, Silent};

/// Something that may never be shown stands in a package. Holds no value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Leak {
    /// What it is.
    pub what: Withheld,
    /// The file of the package.
    pub file: String,
    /// The object it comes from, if the file is one object's.
    pub object: Option<String>,
    /// The field of the file.
    pub field: String,
}

/// Scans the files of a package with all rules. What it finds of types that are never shown is a leak, save the words
/// that stand in their place.
///
/// The index that the scan makes holds fingerprints only, under a key of its own, and is removed.
///
/// # Errors
/// When the scan cannot run, or could not read all of the package.
pub fn leaks(files: Vec<PackageFile>, detector: &Detector) -> Result<(Vec<Leak>, Vec<PackageFile>), RequestError> {
    let directory = tempfile::tempdir().map_err(RequestError::Directory)?;
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| RequestError::Random(error.to_string()))?;
    let keys = Keyring::new(residuum_detect::IndexKey::new(key), Vec::new());
    let marks = marks(&keys);
    let index = Index::create_or_open(&directory.path().join("index"), keys)?;
    let shared = Arc::new(files);
    let sources: Vec<Box<dyn Source>> = vec![Box::new(Package { files: shared.clone() })];
    let options = ScanOptions { full: true, ..ScanOptions::default() };
    let summary = Scan::new(&sources, detector, &index, options).run(&Silent).map_err(RequestError::Scan)?;
    drop(sources);
    let files = Arc::into_inner(shared).expect("the scan has ended, and its source is gone");
    if let Some(entry) = summary.incomplete.first() {
        return Err(RequestError::Unchecked { file: entry.object.to_string(), reason: entry.reason.clone() });
    }
    let leaks = found(&index.reader()?, &marks, &files)?;
    Ok((leaks, files))
}

/// What of a scanned package may never be shown.
fn found(reader: &Reader, marks: &BTreeSet<Fingerprint>, files: &[PackageFile]) -> Result<Vec<Leak>, RequestError> {
    let mut leaks = BTreeSet::new();
    let filter = Filter { source: None, object: None, kind: None };
    reader.findings(&filter, &mut |finding| {
        if let Some(what) = Withheld::of_type(finding.kind).filter(|_| !marks.contains(&finding.fp)) {
            let object = files.iter().find(|file| *file.name == *finding.object).and_then(|file| file.object.clone());
            let field = crate::index::display(&finding.field);
            leaks.insert(Leak { what, file: finding.object.to_string(), object, field });
        }
        ControlFlow::Continue(())
    })?;
    for file in files {
        let text = String::from_utf8_lossy(&file.bytes);
        let decoded = encoded::words(&text).flat_map(encoded::texts);
        leaks.extend(decoded.filter_map(|text| encoded::by_form(&text)).map(|what| Leak {
            what,
            file: file.name.clone(),
            object: file.object.clone(),
            field: String::new(),
        }));
    }
    Ok(leaks.into_iter().collect())
}

/// Fingerprints of the words that stand in place of what is withheld: a column of passwords holds nothing else.
fn marks(keys: &Keyring) -> BTreeSet<Fingerprint> {
    let mut marks = BTreeSet::new();
    for what in Withheld::ALL {
        let mark = what.mark();
        let bare = mark.trim_matches(['[', ']']).to_owned();
        let texts: Vec<String> =
            [mark, bare].into_iter().chain(["[withheld".to_owned(), "[withheld:".to_owned()]).collect();
        for kind in [Type::Password, Type::Biometric, Type::ApiKey, Type::Mrn, Type::UsDriverLicense, Type::NationalId]
        {
            let forms = texts.iter().filter_map(|text| standard_form(kind, text));
            marks.extend(forms.map(|form| keys.current().fingerprint(&form)));
        }
    }
    marks
}

/// The files of a package, in memory, as a source.
struct Package {
    files: Arc<Vec<PackageFile>>,
}

/// One file's bytes.
struct Bytes {
    files: Arc<Vec<PackageFile>>,
    file: usize,
}

impl ReadAt for Bytes {
    fn size(&self) -> u64 {
        self.files[self.file].bytes.len() as u64
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> std::io::Result<usize> {
        let bytes = &self.files[self.file].bytes;
        let from = bytes.len().min(at as usize);
        let count = buf.len().min(bytes.len() - from);
        buf[..count].copy_from_slice(&bytes[from..from + count]);
        Ok(count)
    }
}

impl Source for Package {
    fn name(&self) -> &str {
        "package"
    }

    fn kind(&self) -> &'static str {
        "memory"
    }

    fn list(&self, found: &mut dyn FnMut(Object) -> Flow) -> Result<(), SourceError> {
        for file in self.files.iter() {
            let object = Object {
                bytes: Some(file.bytes.len() as u64),
                ..Object::new(ObjectPath::from_bytes(file.name.as_bytes()), Version::snapshot("1"))
            };
            if found(object).is_break() {
                return Err(SourceError::Stopped);
            }
        }
        Ok(())
    }

    fn read(&self, unit: &Unit, limits: &Limits, sink: &mut dyn Sink) -> Result<(), SourceError> {
        for object in &unit.objects {
            let is_it = |file: &PackageFile| ObjectPath::from_bytes(file.name.as_bytes()) == object.path;
            let Some(file) = self.files.iter().position(is_it) else {
                return Err(SourceError::unreadable(&object.path, "there is no such file"));
            };
            let bytes = Bytes { files: self.files.clone(), file };
            let input = Input::Stored(Arc::new(bytes));
            if residuum_formats::read(&object.path, input, limits, sink).is_break() {
                return Err(SourceError::Stopped);
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<Check, SourceError> {
        Ok(Check { what: "a package".to_owned(), ..Check::default() })
    }
}
