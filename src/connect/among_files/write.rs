//! Records of databases among files, fetched and edited by the databases' connector; all others by the files'.

use std::collections::BTreeMap;

use residuum_source::{
    Ability, Apply, Batch, Change, Editor, Fetch, Flow, Limits, ObjectPath, Part, Receipt, Record, Refusal,
    RefusalKind, Sink, Source, SourceError, Target, Version, referring_first,
};
use residuum_sql::Sqlite;

use super::{Renamed, WithDatabases};

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
            (Some(table), _) if self.is_database(&file) => {
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
        let is_database = |target: &Target| self.is_database(&target.object);
        let (databases, others): (Vec<_>, Vec<_>) = targets.iter().cloned().partition(is_database);
        // Before anything is written: what fails here has changed nothing.
        let versions = self.versions(&databases)?;
        let mut receipts = match self.files.as_apply() {
            _ if others.is_empty() => Vec::new(),
            Some(files) => files.apply(&others, limits, editor)?,
            None => {
                let refusal = Refusal::new(RefusalKind::Unsupported, BY_HAND);
                others.iter().for_each(|target| editor.refused(&target.object, None, refusal.clone()));
                Vec::new()
            }
        };
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

const NOT_THE_FILE: &str = "a database is written to by its tables, and its file is not deleted: delete the file by hand, or give it another name";
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
            let Some(object) = table_of(part) else {
                let refusal = Refusal::new(RefusalKind::Unsupported, NOT_THE_FILE);
                records.iter().for_each(|record| editor.refused(part, Some(record), refusal.clone()));
                continue;
            };
            names.insert(object.clone(), part.clone());
            let records = BTreeMap::from([(object.clone(), records.clone())]);
            tables.push(Target { object, version: version.clone(), records });
        }
        let mut order: Vec<ObjectPath> = tables.iter().map(|table| table.object.clone()).collect();
        referring_first(&mut order, &keys);
        tables.sort_by_key(|table| order.iter().position(|object| *object == table.object));
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
    use residuum_source::RecordKind;
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

    /// Deletes everything, and does something when a change is refused.
    struct Deletes<'d> {
        refused: Vec<(String, Option<Record>, RefusalKind)>,
        then: &'d dyn Fn(),
    }

    impl Editor for Deletes<'_> {
        fn open(&mut self, _: &Part) {}

        fn edit(&mut self, batch: &Batch) -> Vec<Change> {
            let delete = |record| Change { record, action: residuum_source::Action::Delete };
            (0..batch.records.count() as usize).map(delete).collect()
        }

        fn close(&mut self) {}

        fn refused(&mut self, part: &ObjectPath, record: Option<&Record>, refusal: Refusal) {
            self.refused.push((part.as_str().to_owned(), record.cloned(), refusal.kind));
            (self.then)();
        }
    }

    fn target(object: &str, records: &[(&str, Record)], version: Option<Version>) -> Target {
        let path = |name: &str| ObjectPath::from_escaped(name).unwrap();
        let records = records.iter().map(|(part, record)| (path(part), vec![record.clone()])).collect();
        Target { object: path(object), version, records }
    }

    const DOCUMENT: Record = Record::Number(RecordKind::Document, 0);

    #[test]
    fn the_file_of_a_database_is_not_deleted_and_that_is_said() {
        let directory = tempfile::tempdir().unwrap();
        make(&directory.path().join("jane.db"));
        let source = WithDatabases::new(Files::new("files", directory.path()).unwrap());
        let jane = Record::Number(RecordKind::Pk, 1);
        let records = [("jane.db", DOCUMENT), ("jane.db!other", DOCUMENT), ("jane.db!people", jane)];
        let mut editor = Deletes { refused: Vec::new(), then: &|| {} };
        let receipts = source.apply(&[target("jane.db", &records, None)], &Limits::default(), &mut editor).unwrap();
        assert_eq!(receipts.iter().map(|of| (&*of.object, of.deleted)).collect::<Vec<_>>(), [("jane.db!people", 1)]);
        let unsupported = |part: &str| (part.to_owned(), Some(DOCUMENT), RefusalKind::Unsupported);
        assert_eq!(editor.refused, [unsupported("jane.db"), unsupported("jane.db!other")]);
    }

    #[test]
    fn what_was_written_is_told_when_the_directory_goes_away() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("shared");
        std::fs::create_dir(&root).unwrap();
        make(&root.join("crm.db"));
        std::fs::write(root.join("notes.txt"), "jane@example.com\nkept\n").unwrap();
        let source = WithDatabases::new(Files::new("files", &root).unwrap());
        let mut versions = BTreeMap::new();
        let listed = &mut |object: residuum_source::Object| {
            versions.insert(object.path.as_str().to_owned(), object.version);
            Flow::Continue(())
        };
        source.list(listed).unwrap();
        let away = || drop(std::fs::rename(&root, directory.path().join("unmounted")));
        let mut editor = Deletes { refused: Vec::new(), then: &away };
        let line = Record::Number(RecordKind::Line, 1);
        let targets = [
            target("notes.txt", &[("notes.txt", line)], None),
            target("gone.txt", &[("gone.txt", DOCUMENT)], None),
            target("crm.db", &[("crm.db!people", Record::Number(RecordKind::Pk, 1))], versions.remove("crm.db")),
        ];
        let receipts = source.apply(&targets, &Limits::default(), &mut editor).unwrap();
        assert_eq!(receipts.iter().map(|of| &*of.object).collect::<Vec<_>>(), ["notes.txt"]);
        let refused: Vec<_> = editor.refused.iter().map(|(part, _, kind)| (&**part, *kind)).collect();
        assert_eq!(refused.last(), Some(&("crm.db", RefusalKind::Failed)), "{refused:?}");
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
