//! Tables: which row and cell is being read, and what the header calls it.

/// Longest name of a field that a header cell may give.
const MAX_NAME: usize = 64;
/// Columns that have a name.
const MAX_COLUMNS: usize = 1024;

/// The outermost table that is open, and how many are open in it.
#[derive(Default)]
pub(super) struct Tables {
    /// Tables open.
    pub depth: u32,
    header: Vec<String>,
    row: Option<Row>,
}

/// A row in the making.
#[derive(Default)]
struct Row {
    /// Columns before the cell that begins next.
    column: usize,
    /// Its header cells so far.
    names: Vec<String>,
    has_data: bool,
}

impl Tables {
    pub fn begin(&mut self) {
        self.depth += 1;
        if self.depth == 1 {
            (self.header, self.row) = (Vec::new(), None);
        }
    }

    pub fn end(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Whether rows are read here rather than passed as text of the cell around them.
    pub fn is_outermost(&self) -> bool {
        self.depth == 1
    }

    pub fn is_in_row(&self) -> bool {
        self.row.is_some()
    }

    pub fn begin_row(&mut self) {
        self.row = Some(Row::default());
    }

    /// Ends the row. Cells of a row that has nothing but headers name the columns, if none are named.
    pub fn end_row(&mut self) {
        let Some(row) = self.row.take() else {
            return;
        };
        if self.header.is_empty() && !row.has_data && row.names.len() > 1 {
            self.header = row.names;
        }
    }

    /// A cell of data begins: whether it is the row's first, and its name, if it has one.
    pub fn begin_cell(&mut self, span: usize) -> (bool, Option<&str>) {
        let Some(row) = &mut self.row else {
            return (false, None);
        };
        let first = !std::mem::replace(&mut row.has_data, true);
        let column = row.column;
        row.column += span.clamp(1, MAX_COLUMNS);
        (first, self.header.get(column).map(String::as_str).filter(|name| !name.is_empty()))
    }

    /// A header cell ended that says this.
    pub fn end_header_cell(&mut self, text: &[u8], span: usize) {
        let Some(row) = &mut self.row else {
            return;
        };
        let name = name(text);
        for i in 0..span.clamp(1, MAX_COLUMNS) {
            if row.names.len() < MAX_COLUMNS {
                // Two columns of one name would be one field with twice the values, which is what they are.
                row.names.push(if i == 0 { name.clone() } else { String::new() });
            }
        }
        row.column += span.clamp(1, MAX_COLUMNS);
    }
}

/// The name that a header cell gives to a field; none if it looks like data.
fn name(text: &[u8]) -> String {
    let words: Vec<_> = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    let name = words.join(&b' ');
    let digits = name.iter().filter(|b| b.is_ascii_digit()).count();
    let is_data = name.len() > MAX_NAME || name.contains(&b'@') || (digits >= 5 && digits * 2 >= name.len());
    if is_data { String::new() } else { String::from_utf8_lossy(&name).into_owned() }
}
