//! What a database file holds where no record stands: a reader of pages by the file format itself.
//!
//! SQLite marks a deleted row's place as free and leaves its bytes, unless `secure_delete` is set; a page that was freed
//! keeps all of them; the write-ahead log and a rollback journal hold pages as they were. SQLite itself shows none of
//! this. Here it is handed out as bytes, by <https://www.sqlite.org/fileformat2.html>: pages of the freelist (§ 1.5), on
//! pages of b-trees the gap between cell pointers and cells and the chain of free blocks (§ 1.6), pages that belong to
//! neither (overflow pages, whose last one has slack at its end, § 1.6; pages that nothing refers to any more), the bytes
//! reserved at the end of pages (§ 1.3.4), frames of the log (§ 4.1) and the journal.
//!
//! An overflow page or a frame of the log may be in use: what is looked for there is then found in its record as well.
//! A value that was cut by the end of a freed page is handed out in two pieces.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use residuum_source::{Flow, Leftover, ObjectPath};

use super::open::ToRead;

const MAGIC: &[u8] = b"SQLite format 3\0";

/// Bytes of a journal that are handed out at a time, and how many of them again with the next.
const PIECE: usize = 1 << 20;
const OVERLAP: usize = 4 << 10;

/// Hands out what stands where no record does, in the database file, its log and its journal.
pub(super) fn read(path: &Path, object: &ObjectPath, look: &mut dyn FnMut(Leftover<'_>) -> Flow) -> io::Result<Flow> {
    let opened = ToRead::open(path)?;
    let file = opened.file();
    let mut reader = Reader { object, look };
    let mut header = [0; 100];
    if file.metadata()?.len() >= 100 {
        file.read_exact_at(&mut header, 0)?;
    }
    if let Some(layout) = Layout::of(&header) {
        let pages = file.metadata()?.len() / layout.page as u64;
        if reader.database(file, &layout, pages)?.is_break() {
            return Ok(Flow::Break(residuum_source::Stop));
        }
    }
    for (suffix, what) in [("-wal", "write-ahead log"), ("-journal", "rollback journal")] {
        match ToRead::open(&beside(path, suffix)) {
            Ok(opened) if suffix == "-wal" => {
                if reader.log(opened.file(), what)?.is_break() {
                    return Ok(Flow::Break(residuum_source::Stop));
                }
            }
            Ok(opened) => {
                if reader.whole(opened.file(), what)?.is_break() {
                    return Ok(Flow::Break(residuum_source::Stop));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Flow::Continue(()))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// What the header says of pages.
struct Layout {
    /// Bytes of a page.
    page: usize,
    /// Of which SQLite uses so many.
    usable: usize,
    /// The first page of the freelist, or 0.
    freelist: u32,
}

impl Layout {
    fn of(header: &[u8; 100]) -> Option<Self> {
        let page = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            size => usize::from(size),
        };
        let usable = page.checked_sub(usize::from(header[20]))?;
        let is_one = header.starts_with(MAGIC) && page >= 512 && page.is_power_of_two() && usable >= 480;
        is_one.then(|| Self { page, usable, freelist: number(header, 32) })
    }
}

struct Reader<'r> {
    object: &'r ObjectPath,
    look: &'r mut dyn FnMut(Leftover<'_>) -> Flow,
}

impl Reader<'_> {
    fn database(&mut self, file: &File, layout: &Layout, pages: u64) -> io::Result<Flow> {
        let free = freelist(file, layout, pages)?;
        let mut page = vec![0; layout.page];
        for number in 1..=pages {
            file.read_exact_at(&mut page, (number - 1) * layout.page as u64)?;
            let base = if number == 1 { 100 } else { 0 };
            let flow = if free.contains(&number) {
                self.look("freed page", number, 0, &page)
            } else {
                match Tree::of(&page, base, layout.usable) {
                    Some(tree) => self.tree(&tree, &page, number, layout),
                    None => self.look("page outside of tables", number, 0, &page),
                }
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(Flow::Continue(()))
    }

    /// The unused stretches of a page of a table or an index.
    fn tree(&mut self, tree: &Tree, page: &[u8], number: u64, layout: &Layout) -> Flow {
        for (start, end) in tree.free(page, layout.usable) {
            self.look("free space of a page", number, start, &page[start..end])?;
        }
        self.look("reserved space of a page", number, layout.usable, &page[layout.usable..])
    }

    fn log(&mut self, file: &File, what: &'static str) -> io::Result<Flow> {
        const HEADER: u64 = 32;
        const FRAME: u64 = 24;
        let size = file.metadata()?.len();
        let mut header = [0; HEADER as usize];
        if size < HEADER {
            return self.whole(file, what);
        }
        file.read_exact_at(&mut header, 0)?;
        let page = u64::from(number(&header, 8));
        // Every frame, those of transactions that a checkpoint has moved already included: they stand until overwritten.
        if !(512..=65_536).contains(&page) || !page.is_power_of_two() {
            return self.whole(file, what);
        }
        let mut frame = vec![0; page as usize];
        let mut at = HEADER;
        while at + FRAME + page <= size {
            let mut head = [0; 4];
            file.read_exact_at(&mut head, at)?;
            file.read_exact_at(&mut frame, at + FRAME)?;
            if self.look(what, u64::from(number(&head, 0)), 0, &frame).is_break() {
                return Ok(Flow::Break(residuum_source::Stop));
            }
            at += FRAME + page;
        }
        Ok(Flow::Continue(()))
    }

    fn whole(&mut self, file: &File, what: &'static str) -> io::Result<Flow> {
        let size = file.metadata()?.len();
        let mut piece = vec![0; PIECE + OVERLAP];
        let mut at = 0;
        while at < size {
            let length = (PIECE + OVERLAP).min((size - at) as usize);
            file.read_exact_at(&mut piece[..length], at)?;
            if self.look(what, 0, at as usize, &piece[..length]).is_break() {
                return Ok(Flow::Break(residuum_source::Stop));
            }
            at += PIECE as u64;
        }
        Ok(Flow::Continue(()))
    }

    fn look(&mut self, what: &'static str, page: u64, offset: usize, bytes: &[u8]) -> Flow {
        if bytes.iter().all(|&byte| byte == 0) {
            return Flow::Continue(());
        }
        (self.look)(Leftover { object: self.object, what, page, offset: offset as u64, bytes })
    }
}

/// A page of a b-tree.
struct Tree {
    /// Where its header begins, and how long it is.
    base: usize,
    header: usize,
}

impl Tree {
    /// The page's b-tree header, if it has one that holds together.
    fn of(page: &[u8], base: usize, usable: usize) -> Option<Self> {
        let header = match page[base] {
            0x0a | 0x0d => 8,
            0x02 | 0x05 => 12,
            _ => return None,
        };
        let tree = Self { base, header };
        (tree.pointers_end(page) <= tree.content(page) && tree.content(page) <= usable).then_some(tree)
    }

    fn pointers_end(&self, page: &[u8]) -> usize {
        self.base + self.header + 2 * short(page, self.base + 3)
    }

    fn content(&self, page: &[u8]) -> usize {
        match short(page, self.base + 5) {
            0 => 65_536,
            start => start,
        }
    }

    /// The gap before the cells and the free blocks among them, without the four bytes of a block's own header.
    fn free(&self, page: &[u8], usable: usize) -> Vec<(usize, usize)> {
        let mut free = vec![(self.pointers_end(page), self.content(page))];
        let mut block = short(page, self.base + 1);
        let mut last = 0;
        // Blocks stand in ascending order; a chain that does not is damaged and ends here.
        while block > last && block + 4 <= usable {
            let size = short(page, block + 2);
            free.push(((block + 4).min(usable), (block + size.max(4)).min(usable)));
            last = block;
            block = short(page, block);
        }
        free
    }
}

/// The pages of the freelist: its trunks and the leaves they name.
fn freelist(file: &File, layout: &Layout, pages: u64) -> io::Result<HashSet<u64>> {
    let mut free = HashSet::new();
    let mut trunk = u64::from(layout.freelist);
    let mut page = vec![0; layout.page];
    // A page is named once; a list that comes back to one is damaged.
    while (1..=pages).contains(&trunk) && free.insert(trunk) {
        file.read_exact_at(&mut page, (trunk - 1) * layout.page as u64)?;
        let leaves = (number(&page, 4) as usize).min(layout.usable / 4 - 2);
        free.extend(
            (0..leaves).map(|leaf| u64::from(number(&page, 8 + 4 * leaf))).filter(|leaf| (1..=pages).contains(leaf)),
        );
        trunk = u64::from(number(&page, 0));
    }
    Ok(free)
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn short(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rusqlite::Connection;

    use super::*;

    /// Where a text stands that no row holds.
    fn found(path: &Path, wanted: &str) -> Vec<&'static str> {
        let mut places = Vec::new();
        let object = ObjectPath::from_parts(["a.db"]);
        let flow = read(path, &object, &mut |leftover| {
            if memchr::memmem::find(leftover.bytes, wanted.as_bytes()).is_some() {
                places.push(leftover.what);
            }
            Flow::Continue(())
        });
        assert!(flow.expect("the file can be read").is_continue());
        places.sort_unstable();
        places.dedup();
        places
    }

    /// A database in which somebody was, and is not any more.
    fn database(name: &str, before: &str, rows: u32, after: &str) -> (tempfile::TempDir, PathBuf, Connection) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(name);
        let connection = Connection::open(&path).expect("a database");
        connection.execute_batch("PRAGMA secure_delete = OFF; PRAGMA synchronous = OFF").expect("settings");
        connection.execute_batch(before).expect("settings");
        connection
            .execute_batch("CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, note TEXT)")
            .expect("a table");
        connection.execute_batch("BEGIN").expect("a transaction");
        for id in 0..rows {
            let email = if id == rows / 2 { "jane@example.com".to_owned() } else { format!("person{id}@example.net") };
            let row = rusqlite::params![id, email, "x".repeat(60)];
            connection.execute("INSERT INTO people VALUES (?, ?, ?)", row).expect("a row");
        }
        connection.execute_batch("COMMIT").expect("a transaction");
        connection.execute_batch(after).expect("a deletion");
        (dir, path, connection)
    }

    #[test]
    fn what_was_deleted_is_found_where_it_still_stands() {
        let gone = "DELETE FROM people WHERE email LIKE 'jane%'";
        let cases: [(&str, &str, u32, &str, &[&str]); 7] = [
            ("a deleted row", "", 100, gone, &["free space of a page"]),
            ("all rows deleted", "", 2_000, "DELETE FROM people", &["freed page"]),
            ("a dropped table", "", 2_000, "DROP TABLE people", &["freed page"]),
            ("small pages", "PRAGMA page_size = 512", 100, gone, &["free space of a page"]),
            ("large pages", "PRAGMA page_size = 65536", 100, gone, &["free space of a page"]),
            ("erased securely", "PRAGMA secure_delete = ON", 100, gone, &[]),
            ("vacuumed", "", 100, "DELETE FROM people WHERE email LIKE 'jane%'; VACUUM", &[]),
        ];
        for (name, before, rows, after, expected) in cases {
            let (_dir, path, connection) = database("a.db", before, rows, after);
            assert_eq!(found(&path, "jane@example.com"), expected, "{name}");
            drop(connection);
        }
    }

    #[test]
    fn what_is_there_is_no_leftover() {
        let (_dir, path, _connection) = database("a.db", "", 500, "");
        assert_eq!(found(&path, "jane@example.com"), [] as [&str; 0]);
        assert_eq!(found(&path, "person499@example.net"), [] as [&str; 0]);
    }

    #[test]
    fn logs_and_journals_are_looked_at() {
        let wal = "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0";
        let (_dir, path, connection) = database("a.db", wal, 100, "DELETE FROM people WHERE email LIKE 'jane%'");
        assert_eq!(found(&path, "jane@example.com"), ["write-ahead log"]);
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("a checkpoint");
        assert_eq!(found(&path, "jane@example.com"), ["free space of a page"]);
        connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)").expect("a clean file");
        assert_eq!(found(&path, "jane@example.com"), [] as [&str; 0]);
        let persist = "PRAGMA journal_mode = PERSIST";
        let (_dir, path, _connection) =
            database("b.db", persist, 100, "PRAGMA secure_delete = ON; DELETE FROM people WHERE email LIKE 'jane%'");
        assert_eq!(found(&path, "jane@example.com"), ["rollback journal"]);
    }

    #[test]
    fn the_end_of_a_long_value_is_looked_at() {
        let (_dir, path, connection) = database("a.db", "", 1, "DELETE FROM people");
        let long = format!("{}jane.roe@example.com", "y".repeat(9_000));
        connection.execute("INSERT INTO people VALUES (1, ?, '')", [&long]).expect("a row");
        connection.execute_batch("UPDATE people SET email = 'short'").expect("a change");
        assert_eq!(found(&path, "jane.roe@example.com"), ["freed page"]);
    }

    proptest! {
        /// Whatever stands in a file, it is read to its end.
        #[test]
        fn damage_is_survived(
            at in proptest::collection::vec(0usize..12_288, 1..30),
            bytes in proptest::collection::vec(any::<u8>(), 30),
            length in 0usize..12_289,
        ) {
            let (_dir, path, connection) = database("a.db", "PRAGMA page_size = 4096", 60, "DELETE FROM people WHERE id < 20");
            drop(connection);
            let mut content = std::fs::read(&path).expect("it is there");
            for (at, byte) in at.iter().zip(&bytes) {
                if let Some(there) = content.get_mut(*at) {
                    *there = *byte;
                }
            }
            content.truncate(length);
            std::fs::write(&path, content).expect("there is room");
            let object = ObjectPath::from_parts(["a.db"]);
            let mut seen = 0;
            let _ = read(&path, &object, &mut |leftover| {
                seen += leftover.bytes.len();
                Flow::Continue(())
            });
            prop_assert!(seen <= 4 * 12_288);
        }
    }
}
