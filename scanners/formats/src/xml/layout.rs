//! What repeats: a look ahead that decides which elements are records.

use memchr::{memchr, memmem};

use super::tree::{NodeId, ROOT, Tree, local};
use crate::markup::{begins_name, in_name, is_space};

/// How much is looked at.
pub(super) const HEAD: usize = 256 << 10;
/// Elements open that are told apart.
const MAX_OPEN: usize = 64;

/// An element open.
struct Open {
    node: NodeId,
    /// Its children, and how often each was met.
    children: Vec<(NodeId, u32)>,
}

/// A word of markup.
enum Word<'t> {
    Start { name: &'t [u8], attributes: bool, empty: bool },
    End { name: &'t [u8] },
    Other,
}

/// Marks the paths whose elements are records, as far as a text tells that stands inside of `parent`.
pub(super) fn learn(tree: &mut Tree, parent: NodeId, text: &[u8]) {
    let mut open = vec![Open { node: parent, children: Vec::new() }];
    // Paths that repeat, and paths that have something of their own.
    let (mut repeated, mut structured) = (Vec::new(), std::collections::HashSet::new());
    let mut only_child: Option<(NodeId, Option<NodeId>)> = None;
    let mut depth_skipped = 0u32;
    let mut at = 0;
    while let Some((word, end)) = next_word(text, at) {
        at = end;
        match word {
            Word::Other => {}
            Word::Start { empty, .. } if open.len() >= MAX_OPEN => depth_skipped += u32::from(!empty),
            Word::Start { name, attributes, empty } => {
                let frame = open.last_mut().expect("the first is never closed");
                let node = tree.step(frame.node, local(name)).node;
                if parent == ROOT && open.len() == 2 {
                    let root = open[1].node;
                    only_child = match only_child {
                        None => Some((root, Some(node))),
                        Some((known, Some(same))) if known == root && same == node => Some((root, Some(node))),
                        Some(_) => Some((root, None)),
                    };
                }
                let frame = open.last_mut().expect("as above");
                structured.insert(frame.node);
                if attributes {
                    structured.insert(node);
                }
                match frame.children.iter_mut().find(|(id, _)| *id == node) {
                    Some((_, count)) => {
                        *count += 1;
                        if *count == 2 {
                            repeated.push(node);
                        }
                    }
                    None => frame.children.push((node, 1)),
                }
                if !empty {
                    open.push(Open { node, children: Vec::new() });
                }
            }
            Word::End { .. } if depth_skipped > 0 => depth_skipped -= 1,
            Word::End { name } => {
                let name = local(name);
                if let Some(at) = open.iter().skip(1).rposition(|frame| tree.is_named(frame.node, name)) {
                    open.truncate(at + 1);
                }
            }
        }
    }
    for node in repeated {
        let alike = only_child.is_some_and(|(_, only)| only == Some(node));
        if structured.contains(&node) || alike {
            tree.node_mut(node).is_record = true;
        }
    }
}

/// Whether a text that begins with a tag, without a declaration, is XML rather than a page or something else: its
/// elements close in the order they were opened.
pub(crate) fn looks_like_xml(text: &[u8]) -> bool {
    let (mut open, mut closed, mut at) = (Vec::<&[u8]>::new(), 0, 0);
    if !matches!(text, [b'<', first, ..] if begins_name(*first)) && !text.starts_with(b"<!--") {
        return false;
    }
    while let Some((word, end)) = next_word(text, at) {
        if open.is_empty() && closed > 0 && !text[at..].trim_ascii_start().starts_with(b"<") {
            return false;
        }
        at = end;
        match word {
            Word::Other => {}
            Word::Start { empty: true, .. } => closed += 1,
            Word::Start { name, .. } => open.push(name),
            Word::End { name } => match open.pop() {
                Some(opened) if opened == name => closed += 1,
                _ => return false,
            },
        }
        if open.len() > MAX_OPEN * 8 {
            break;
        }
    }
    closed > 0
}

/// The next tag, comment or the like from `at` on, and where it ends; nothing if none stands there whole.
fn next_word(text: &[u8], at: usize) -> Option<(Word<'_>, usize)> {
    let start = at + memchr(b'<', &text[at..])?;
    let rest = &text[start..];
    let until = |end: &[u8]| Some((Word::Other, start + memmem::find(rest, end)? + end.len()));
    match rest.get(1)? {
        b'!' if rest.starts_with(b"<!--") => until(b"-->"),
        b'!' if rest.starts_with(b"<![CDATA[") => until(b"]]>"),
        b'!' => match (memchr(b'[', rest), memchr(b'>', rest)?) {
            (Some(subset), end) if subset < end => until(b"]>").or_else(|| until(b"] >")),
            (_, end) => Some((Word::Other, start + end + 1)),
        },
        b'?' => until(b"?>"),
        b'/' => {
            let end = memchr(b'>', rest)?;
            Some((Word::End { name: rest[2..end].trim_ascii() }, start + end + 1))
        }
        &first if begins_name(first) => {
            let len = rest[1..].iter().take_while(|&&b| in_name(b)).count();
            let mut end = 1 + len;
            let mut attributes = false;
            loop {
                match rest.get(end)? {
                    b'>' => break,
                    quote @ (b'"' | b'\'') => end += 1 + memchr(*quote, &rest[end + 1..])?,
                    b'=' => attributes = true,
                    _ => {}
                }
                end += 1;
            }
            // Declarations of namespaces alone say nothing, but they are rare on what repeats.
            let empty = rest[end - 1] == b'/';
            Some((Word::Start { name: &rest[1..=len], attributes, empty }, start + end + 1))
        }
        first if is_space(*first) => Some((Word::Other, start + 1)),
        _ => Some((Word::Other, start + 1)),
    }
}
