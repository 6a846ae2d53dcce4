//! ORC files that no program would write.

/// A file put together piece by piece, nothing of it packed.
#[derive(Default)]
pub(super) struct Made {
    /// Messages of types.
    pub columns: Vec<Vec<u8>>,
    /// Column, kind, bytes.
    pub streams: Vec<(u64, u64, Vec<u8>)>,
    /// Kind and size of dictionary, by column.
    pub encodings: Vec<(u64, u64)>,
    pub rows: u64,
    pub zone: &'static str,
    /// How chunks are packed, and their most.
    pub compression: (u64, u64),
}

impl Made {
    pub fn file(&self) -> Vec<u8> {
        let mut file = b"ORC".to_vec();
        let mut stripe = Vec::new();
        for (column, kind, bytes) in &self.streams {
            file.extend(bytes);
            let stream = [number(1, *kind), number(2, *column), number(3, bytes.len() as u64)].concat();
            stripe.extend(message(1, &stream));
        }
        let data = file.len() as u64 - 3;
        for i in 0..self.columns.len() {
            let (kind, size) = self.encodings.get(i).copied().unwrap_or((2, 0));
            stripe.extend(message(2, &[number(1, kind), number(2, size)].concat()));
        }
        stripe.extend(message(3, self.zone.as_bytes()));
        let stripe = self.chunk(stripe);
        file.extend(&stripe);
        let place = [number(1, 3), number(3, data), number(4, stripe.len() as u64), number(5, self.rows)].concat();
        let mut footer = message(3, &place);
        self.columns.iter().for_each(|column| footer.extend(message(4, column)));
        footer.extend(number(6, self.rows));
        let footer = self.chunk(footer);
        file.extend(&footer);
        let mut postscript = [number(1, footer.len() as u64), number(2, self.compression.0)].concat();
        postscript.extend([number(3, self.compression.1), message(8000, b"ORC")].concat());
        file.extend(&postscript);
        file.push(postscript.len() as u8);
        file
    }

    /// What stands as it is in a file whose chunks are packed.
    fn chunk(&self, bytes: Vec<u8>) -> Vec<u8> {
        match self.compression.0 {
            0 => bytes,
            _ => [&head(bytes.len(), false)[..], &bytes].concat(),
        }
    }
}

/// The head of a chunk.
pub(super) fn head(length: usize, is_packed: bool) -> [u8; 3] {
    let [a, b, c, _] = ((length as u32) << 1 | u32::from(!is_packed)).to_le_bytes();
    [a, b, c]
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

pub(super) fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

pub(super) fn message(field: u64, bytes: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

/// A type: its kind and what it holds.
pub(super) fn of(kind: u64, children: &[u64]) -> Vec<u8> {
    let mut bytes = number(1, kind);
    children.iter().for_each(|child| bytes.extend(number(2, *child)));
    bytes
}

pub(super) fn structure(children: &[u64]) -> Vec<u8> {
    let mut bytes = of(12, children);
    children.iter().for_each(|child| bytes.extend(message(3, format!("c{child}").as_bytes())));
    bytes
}

pub(super) const LONG: u64 = 4;
pub(super) const STRING: u64 = 7;
pub(super) const LIST: u64 = 10;

/// Eight bytes three times, in version 2 of runs.
pub(super) fn three_times(value: u64) -> Vec<u8> {
    [&[0x38][..], &value.to_be_bytes()].concat()
}
