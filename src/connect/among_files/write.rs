//! Records of databases among files, fetched and edited by the databases' connector; all others by the files'.

use std::collections::BTreeMap;

use residuum_source::{
    Ability, Apply, Batch, Change, Editor, Fetch, Flow, KeyKind, Limits, ObjectPath, Part, Receipt, Record, Refusal,
    RefusalKind, Sink, Source, SourceError, TableKey, Target, Version,
};
use residuum_sql::Sqlite;

use super::{Renamed, WithDatabases};
use crate::connect::is_sqlite;

impl Fetch for WithDatabases {
    fn fetch(
        &self,
        part: &ObjectPath,
        records: &[Record],
        limits: &Limits,
        sink: &mut dyn Sink,
    ) -> Result<(), SourceError> {
        let file = part.outermost();
        match (table_of(part), self.files.as_fetch()) {
            (Some(table), _) if is_sqlite(&self.files.path_of(&file)) => {
                let database = Sqlite::open(self.name(), &self.files.path_of(&file))?;
                database.fetch(&table, records, limits, &mut Renamed { sink, path: part.clone() })
            }
            (_, Some(files)) => files.fetch(part, records, limits, sink),
            (_, None) => Err(SourceError::unreadable(part, "single records of files are not read again")),
        }
    }
}

impl Apply for WithDatabases {
    fn ability(&self, formats: &[&str]) -> Ability {
        match (formats, self.files.as_apply()) {
            (["sqlite", ..], _) => Ability::Splice,
            (_, Some(files)) => files.ability(formats),
            (_, None) => Ability::Manual(BY_HAND.to_owned()),
        }
    }

    fn apply(&self, targets: &[Target], limits: &Limits, editor: &mut dyn Editor) -> Result<Vec<Receipt>, SourceError> {
        let is_database = |target: &Target| is_sqlite(&self.files.path_of(&target.object));
        let (databases, others): (Vec<_>, Vec<_>) = targets.iter().cloned().partition(is_database);
        let mut receipts = match self.files.as_apply() {
            _ if others.is_empty() => Vec::new(),
            Some(files) => files.apply(&others, limits, editor)?,
            None => {
                let refusal = Refusal::new(RefusalKind::Unsupported, BY_HAND);
                others.iter().for_each(|target| editor.refused(&target.object, None, refusal.clone()));
                Vec::new()
            }
        };
        let versions = self.versions(&databases)?;
        for target in &databases {
            // Each file is written by itself: one that fails is refused while the others go on.
            match self.apply_to_database(target, &versions, limits, editor) {
                Ok(done) => receipts.extend(done),
                Err(error) => {
                    editor.refused(&target.object, None, Refusal::new(RefusalKind::Failed, error.to_string()));
                }
            }
        }
        Ok(receipts)
    }
}

const BY_HAND: &str = "files cannot be written to: erase it there by hand";

impl WithDatabases {
    /// The versions of files, of those targets that have one to compare with.
    fn versions(&self, targets: &[Target]) -> Result<BTreeMap<ObjectPath, Version>, SourceError> {
        let mut versions = BTreeMap::new();
        if targets.iter().any(|target| target.version.is_some()) {
            self.list(&mut |object| {
                if targets.iter().any(|target| target.object == object.path) {
                    versions.insert(object.path, object.version);
                }
                Flow::Continue(())
            })?;
        }
        Ok(versions)
    }

    fn apply_to_database(
        &self,
        target: &Target,
        versions: &BTreeMap<ObjectPath, Version>,
        limits: &Limits,
        editor: &mut dyn Editor,
    ) -> Result<Vec<Receipt>, SourceError> {
        let database = Sqlite::open(self.name(), &self.files.path_of(&target.object))?;
        // From here on the database's own version holds, which its connector compares once it has the lock.
        let mut version = None;
        database.list(&mut |table| {
            version.get_or_insert(table.version);
            Flow::Continue(())
        })?;
        if target.version.as_ref().is_some_and(|then| then.sound && versions.get(&target.object) != Some(then)) {
            let reason = "the database was written to since it was scanned: scan again";
            editor.refused(&target.object, None, Refusal::new(RefusalKind::Changed, reason));
            return Ok(Vec::new());
        }
        let keys = database.keys()?;
        let mut names = BTreeMap::new();
        let mut tables = Vec::new();
        for (part, records) in &target.records {
            let Some(object) = table_of(part) else { continue };
            names.insert(object.clone(), part.clone());
            let records = BTreeMap::from([(object.clone(), records.clone())]);
            tables.push(Target { object, version: version.clone(), records });
        }
        let tables = referring_first(tables, &keys);
        let done = database.apply(&tables, limits, &mut RenamedParts { editor, names: &names })?;
        let named = |receipt: Receipt| {
            let object = ObjectPath::from_escaped(&receipt.object).ok().and_then(|object| names.get(&object));
            Receipt { object: object.map_or(receipt.object, |part| part.as_str().to_owned()), ..receipt }
        };
        Ok(done.into_iter().map(named).collect())
    }
}

/// The table that a member of a database is.
fn table_of(part: &ObjectPath) -> Option<ObjectPath> {
    match &part.levels()[..] {
        [_, table] => Some(ObjectPath::from_parts(["main", &*String::from_utf8_lossy(table)])),
        _ => None,
    }
}

/// The same tables, each before those it refers to, as far as references form no circle.
fn referring_first(mut left: Vec<Target>, keys: &[TableKey]) -> Vec<Target> {
    let refers = |from: &Target, to: &Target| {
        keys.iter().any(|key| {
            let refers = matches!(&key.kind, KeyKind::Foreign { object, .. } if *object == to.object);
            refers && key.object == from.object && from.object != to.object
        })
    };
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let free = left.iter().position(|target| !left.iter().any(|other| refers(other, target)));
        ordered.push(left.remove(free.unwrap_or(0)));
    }
    ordered
}

/// Shows tables to an editor as members of their file.
struct RenamedParts<'e> {
    editor: &'e mut dyn Editor,
    names: &'e BTreeMap<ObjectPath, ObjectPath>,
}

impl RenamedParts<'_> {
    fn name(&self, part: &ObjectPath) -> ObjectPath {
        self.names.get(part).unwrap_or(part).clone()
    }
}

impl Editor for RenamedParts<'_> {
    fn open(&mut self, part: &Part) {
        let part = Part { path: self.name(&part.path), ..part.clone() };
        self.editor.open(&part);
    }

    fn edit(&mut self, batch: &Batch) -> Vec<Change> {
        self.editor.edit(batch)
    }

    fn close(&mut self) {
        self.editor.close();
    }

    fn refused(&mut self, part: &ObjectPath, record: Option<&Record>, refusal: Refusal) {
        let part = self.name(part);
        self.editor.refused(&part, record, refusal);
    }
}

#[cfg(test)]
mod tests {
    use residuum_files::Files;
    use residuum_source::conformance::{Edits, check_apply};

    use super::*;

    #[test]
    fn tables_of_databases_among_files_are_edited() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a b.db");
        make(&path);
        std::fs::write(directory.path().join("notes.txt"), "jane@example.com\n").unwrap();
        let source = WithDatabases::new(Files::new("files", directory.path()).unwrap());
        let edits = Edits::new("a b.db!people").delete("email", "jane@example.com").set("email", "joe@", "j@");
        let receipts = check_apply(&source, &edits);
        assert_eq!((receipts.len(), receipts[0].object.as_str()), (1, "a b.db!people"));
        assert_eq!(source.ability(&["sqlite", "table"]), Ability::Splice);

        let part = ObjectPath::from_escaped("a b.db!people").unwrap();
        let mut fetched = residuum_source::conformance::Collect::default();
        let joe = [Record::Number(residuum_source::RecordKind::Pk, 2)];
        source.fetch(&part, &joe, &Limits::default(), &mut fetched).unwrap();
        assert_eq!(fetched.records("a b.db!people"), 1);
    }

    fn make(path: &std::path::Path) {
        use sqlx::Connection as _;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let sql = "CREATE TABLE people(id INTEGER PRIMARY KEY, email TEXT);
            INSERT INTO people VALUES (1, 'jane@example.com'), (2, 'joe@example.com');
            CREATE TABLE other(x TEXT); INSERT INTO other VALUES ('kept');";
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        });
    }
}
