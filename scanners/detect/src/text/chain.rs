//! Chains: groups of digits with a separator between each two, as numbers are written.

use super::near::at;
use crate::run;

/// What stands between two groups of digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Gap {
    /// Nothing: the chain ends.
    #[default]
    End,
    /// A space, also one that does not break.
    Space,
    /// A hyphen, also one of Unicode's.
    Dash,
    /// A full stop.
    Dot,
    /// A slash.
    Slash,
    /// `) `, `)` or `)-`: the group before was in parentheses.
    Close,
    /// ` (` or `(`: the group behind is in parentheses.
    Open,
    /// A hyphen with spaces around it.
    Wide,
}

/// Digits in a row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    pub start: u32,
    pub end: u32,
    /// What follows it.
    pub gap: Gap,
}

impl Group {
    /// The digits at `start`, with the width of the separator behind them.
    #[inline]
    pub(super) fn read(text: &[u8], start: usize) -> (Self, usize) {
        let end = start + run::digits(text, start);
        let (gap, width) = gap(text, end);
        (Self { start: start as u32, end: end as u32, gap }, width)
    }

    pub(super) fn len(self) -> usize {
        (self.end - self.start) as usize
    }
}

/// Most groups looked at together.
pub(super) const MOST: usize = 12;

/// The groups from a place on.
#[derive(Default)]
pub(super) struct Chain {
    groups: [Group; MOST],
    len: usize,
}

impl Chain {
    /// Reads the groups that begin with `first`.
    #[inline]
    pub(super) fn read(&mut self, text: &[u8], first: Group, width: usize) {
        self.groups[0] = first;
        self.len = 1;
        let mut i = first.end as usize + width;
        while self.groups[self.len - 1].gap != Gap::End && self.len < MOST {
            let (group, width) = Group::read(text, i);
            self.groups[self.len] = group;
            self.len += 1;
            i = group.end as usize + width;
        }
    }

    pub(super) fn groups(&self) -> &[Group] {
        &self.groups[..self.len]
    }
}

/// The separator at `i`, if digits follow it, and its width.
#[inline]
fn gap(text: &[u8], i: usize) -> (Gap, usize) {
    let (byte, next) = (at(text, i), at(text, i + 1));
    // Of one byte, as most are.
    if next.is_ascii_digit() && byte != b')' {
        let gap = ONE_BYTE[usize::from(byte)];
        return (gap, usize::from(gap != Gap::End));
    }
    if LONGER[usize::from(byte)] { long_gap(text, i, byte, next) } else { (Gap::End, 0) }
}

/// The separator of more than one byte at `i`, or a closing parenthesis, if digits follow it, and its width.
fn long_gap(text: &[u8], i: usize, byte: u8, next: u8) -> (Gap, usize) {
    let (gap, width) = match byte {
        b' ' => match next {
            b'(' => (Gap::Open, 2),
            b'-' if at(text, i + 2) == b' ' => (Gap::Wide, 3),
            _ => return (Gap::End, 0),
        },
        b')' => match next {
            b' ' | b'-' | b'.' => (Gap::Close, 2),
            _ => (Gap::Close, 1),
        },
        0xc2 if next == 0xa0 => (Gap::Space, 2),
        0xe2 => match (next, at(text, i + 2)) {
            (0x80, 0x90..=0x95) | (0x88, 0x92) => (Gap::Dash, 3),
            (0x80, 0x80..=0x8a | 0xaf) => (Gap::Space, 3),
            _ => return (Gap::End, 0),
        },
        _ => return (Gap::End, 0),
    };
    if at(text, i + width).is_ascii_digit() { (gap, width) } else { (Gap::End, 0) }
}

/// What a byte between two digits is.
static ONE_BYTE: [Gap; 256] = {
    let mut table = [Gap::End; 256];
    table[b' ' as usize] = Gap::Space;
    table[b'-' as usize] = Gap::Dash;
    table[b'.' as usize] = Gap::Dot;
    table[b'/' as usize] = Gap::Slash;
    table[b'(' as usize] = Gap::Open;
    table
};

/// Bytes that a longer separator begins with.
static LONGER: [bool; 256] = {
    let mut table = [false; 256];
    table[b' ' as usize] = true;
    table[b')' as usize] = true;
    table[0xc2] = true;
    table[0xe2] = true;
    table
};
