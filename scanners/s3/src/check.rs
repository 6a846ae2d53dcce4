//! Whether a bucket can be listed and its objects read.

use std::ops::ControlFlow;

use residuum_source::{Check, Source as _, SourceError, Stop};

use crate::S3;
use crate::list::Versioning;
use crate::read::wanted;

/// Problems told one by one.
const TOLD: usize = 20;

pub(crate) fn check(source: &S3) -> Result<Check, SourceError> {
    let place = &source.place;
    let mut check = Check { what: format!("bucket `{}` at {}", place.bucket, place.at), ..Check::default() };
    let (mut objects, mut bytes, mut problems) = (0u64, 0u64, 0usize);
    let mut first = None;
    source.list(&mut |object| {
        match &object.not_read {
            Some((state, reason)) if state.is_incomplete() => {
                problems += 1;
                if problems <= TOLD {
                    check.problems.push(format!("`{}`: {reason}", object.path));
                }
            }
            Some((_, reason)) => check.notes.push(reason.clone()),
            None => {
                objects += 1;
                bytes += object.bytes.unwrap_or(0);
                if first.is_none() && object.bytes.is_some_and(|bytes| bytes > 0) {
                    first = Some(object);
                }
            }
        }
        ControlFlow::Continue(())
    })?;
    if problems > TOLD {
        check.problems.push(format!("and {} more", problems - TOLD));
    }
    check.notes.push(format!("{objects} objects, {bytes} bytes"));
    if let Some(object) = first
        && let Err(fault) = source.handle().block_on(source.getter.get(&wanted(source, &object), 0..1))
    {
        check.problems.push(format!("`{}`: {}", object.path, fault.reason));
    }
    notes(source, &mut check)?;
    Ok(check)
}

fn notes(source: &S3, check: &mut Check) -> Result<(), SourceError> {
    let is_open = source.place.at.starts_with("`http://") && !source.place.at.contains("//127.0.0.1");
    if is_open {
        check
            .notes
            .push("without TLS, whoever is on the way can read what is scanned: use an `https://` endpoint".into());
    }
    if source.versions {
        check.notes.push("every version is read".into());
    } else if source.versioning()? != Versioning::Off
        && source.list_versions(&mut |_| ControlFlow::Break(Stop))?.is_none()
    {
        let note = "whether there are older versions cannot be told, and they are not read: grant \
                    `s3:GetBucketVersioning` and `s3:ListBucketVersions`";
        check.notes.push(note.into());
    }
    Ok(())
}
