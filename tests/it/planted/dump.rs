//! What stands in all stores, record by record, as other programs than ours see it: Python, the databases' own clients,
//! and Arrow for Parquet.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use arrow_array::{Array as _, Int64Array, RecordBatch, StringArray};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::contents::piped;
use super::plants::Store;
use super::world::World;

/// Records of every leaf under the directories that are named: a line each.
const RECORDS: &str = r#"
import csv, gzip, io, json, mailbox, os, re, sqlite3, subprocess, sys, tarfile, tempfile, zipfile
out = []
def records(name, data):
    base = name.rsplit('!', 1)[-1]
    if base.endswith('.gz'): return records(name + '!', gzip.decompress(data))
    if base.endswith('.zst'): return records(name + '!', subprocess.run(['zstd', '-dqc'], input=data, stdout=subprocess.PIPE, check=True).stdout)
    if data[:4] == b'PK\3\4' and not base.endswith('.xlsx'):
        for info in zipfile.ZipFile(io.BytesIO(data)).infolist(): records(name + '!' + info.filename, zipfile.ZipFile(io.BytesIO(data)).read(info))
        return
    if data[257:262] == b'ustar':
        for member in (tar := tarfile.open(fileobj=io.BytesIO(data))): records(name + '!' + member.name, tar.extractfile(member).read())
        return
    say = lambda record: out.append([name, record])
    if data[:15] == b'SQLite format 3':
        with tempfile.NamedTemporaryFile() as file:
            file.write(data); file.flush()
            db = sqlite3.connect(file.name)
            for table, in list(db.execute("select name from sqlite_schema where type = 'table'")):
                for row in db.execute(f'select * from {table}'): say(table + ' ' + repr(row))
            db.close()
    elif base.endswith('.xlsx'):
        package = zipfile.ZipFile(io.BytesIO(data))
        strings = re.findall(r'<si>(.*?)</si>', package.read('xl/sharedStrings.xml').decode(), re.S)
        for row in re.findall(r'<row .*?</row>|<row .*?/>', package.read('xl/worksheets/sheet1.xml').decode(), re.S):
            cells = re.findall(r'<c r="([A-Z]+)\d+"([^>]*)>(.*?)</c>', row, re.S)
            if cells: say(' '.join(column + '=' + (strings[int(re.search(r'<v>(\d+)', inner)[1])] if 't="s"' in rest else inner) for column, rest, inner in cells))
    elif base.endswith('.mbox'):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data); file.flush()
            for message in mailbox.mbox(file.name): say(message.as_string())
    elif base.endswith('.json'): [say(json.dumps(element)) for element in json.loads(data)]
    elif base.endswith('.parquet'): pass
    elif '.csv' in base: [say(json.dumps(row)) for row in csv.reader(io.StringIO(data.decode()))]
    else: [say(line) for line in data.decode().splitlines()]
for root in json.load(sys.stdin):
    for folder, _, files in os.walk(root):
        for file in files: records(os.path.relpath(os.path.join(folder, file), root), open(os.path.join(folder, file), 'rb').read())
json.dump(out, sys.stdout)
"#;

const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";

impl World {
    /// All records of people who are not to be erased, by the object in which they stand, in order.
    pub fn others(&self) -> BTreeMap<String, Vec<String>> {
        let mut all = BTreeMap::new();
        let tags = self.tags();
        let erased: Vec<usize> = self.people.iter().filter(|person| person.is_erased).map(|person| person.id).collect();
        let mut add = |object: String, record: String| {
            if !tags.iter().any(|tag| record.contains(tag)) {
                all.entry(object).or_insert_with(Vec::new).push(record);
            }
        };
        let bucket = tempfile::tempdir().expect("a temporary directory");
        if let Some(lake) = &self.lake {
            for key in lake.keys() {
                let path = bucket.path().join(format!("lake/{key}"));
                fs::create_dir_all(path.parent().expect("it is in the directory")).expect("folders can be made");
                fs::write(path, lake.get(&key)).expect("it can be written");
            }
        }
        let roots = serde_json::json!([self.sandbox.path("data"), bucket.path()]);
        let said = piped("python3", &["-c", RECORDS], roots.to_string().as_bytes());
        let records: Vec<(String, String)> = serde_json::from_slice(&said).expect("it is JSON");
        records.into_iter().for_each(|(object, record)| add(object, record));
        for (_, plant) in self.plants.iter().filter(|(_, plant)| plant.object.ends_with(".parquet")) {
            let roots = [self.sandbox.path("data"), bucket.path().join("lake")];
            let path = roots.iter().map(|root| root.join(plant.object)).find(|path| path.exists());
            parquet_rows(&path.expect("it is there"), &mut |record| add(plant.object.to_owned(), record));
        }
        let without = |key: &str| erased.iter().map(|id| format!(" AND {key} <> {id}")).collect::<String>();
        for (database, tables) in [
            (Store::Sqlite, TABLES),
            (Store::Postgres, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"),
            (Store::MariaDb, "SHOW TABLES"),
        ] {
            if !self.has(database) {
                continue;
            }
            let tables: Vec<String> = self.run(database, tables).lines().map(str::to_owned).collect();
            let dump = |table: &String| {
                let condition = match table.as_str() {
                    "orders" => without("customer_id"),
                    "visits" => String::new(),
                    _ => without("id"),
                };
                format!("SELECT '#{table}'; SELECT * FROM {table} WHERE 1 = 1{condition} ORDER BY 1, 2;\n")
            };
            let mut table = String::new();
            for row in self.run(database, &tables.iter().map(dump).collect::<String>()).lines() {
                match row.strip_prefix('#') {
                    Some(name) => table = format!("{database:?} {name}"),
                    None => add(table.clone(), row.to_owned()),
                }
            }
        }
        all
    }
}

fn parquet_rows(path: &Path, each: &mut dyn FnMut(String)) {
    let bytes = Bytes::from(fs::read(path).expect("it can be read"));
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).and_then(|builder| builder.build());
    for batch in reader.expect("it is Parquet") {
        let batch: RecordBatch = batch.expect("it is whole");
        for row in 0..batch.num_rows() {
            let value = |column: &arrow_array::ArrayRef| match column.as_any().downcast_ref::<StringArray>() {
                Some(texts) if texts.is_valid(row) => texts.value(row).to_owned(),
                Some(_) => "null".to_owned(),
                None => column.as_any().downcast_ref::<Int64Array>().expect("a number").value(row).to_string(),
            };
            each(batch.columns().iter().map(value).collect::<Vec<_>>().join("|"));
        }
    }
}
