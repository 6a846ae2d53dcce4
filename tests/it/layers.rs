//! The one direction: source ← formats ← connectors ← the product, and inside it each module only what comes before.
//!
//! Reads the manifests and the sources as text; comments and test modules do not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each module of `src/` may use of the others. A module that is missing here fails the test: say where it
/// stands in the flow.
const MODULES: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("keyfile", &[]),
    ("signature", &["keyfile"]),
    ("config", &["clock", "keyfile"]),
    ("connect", &["config"]),
    ("index", &["keyfile"]),
    ("map", &["config", "index"]),
    ("audit", &["clock", "index", "keyfile", "signature"]),
    ("scan", &["clock", "config", "index"]),
    ("identity", &["config", "index", "scan"]),
    ("proof", &["identity", "index", "keyfile", "scan", "signature"]),
    ("report", &["clock", "config", "index", "map", "keyfile", "proof", "scan", "signature"]),
    (
        "request",
        &["audit", "clock", "config", "index", "map", "scan", "identity", "keyfile", "proof", "report", "signature"],
    ),
    ("api", &["config", "connect", "index", "scan", "identity", "report", "request"]),
    ("demo", &["config", "connect", "index", "scan", "identity", "report"]),
    (
        "cli",
        &[
            "audit",
            "clock",
            "config",
            "connect",
            "index",
            "keyfile",
            "map",
            "scan",
            "identity",
            "proof",
            "report",
            "request",
            "api",
            "demo",
            "signature",
        ],
    ),
];

/// Crates of `scanners/` that are not connectors, with what they may use of the workspace.
const CRATES: &[(&str, &[&str])] =
    &[("residuum-source", &[]), ("residuum-formats", &["residuum-source"]), ("residuum-detect", &["residuum-source"])];

/// What a connector may use of the workspace.
const FOR_CONNECTORS: &[&str] = &["residuum-source", "residuum-formats"];

/// The macros and handles that print.
const PRINTING: &[&str] = &["println!", "print!", "eprintln!", "eprint!", "dbg!", "stdout()", "stderr()"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The `.rs` files under a directory with their code, sorted.
fn sources(dir: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
            let path = entry.expect("a directory can be read").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                files.push((path, code(&text)));
            }
        }
    }
    files.sort();
    files
}

/// A source without its comments and without the test module at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        // A `//` inside a string cuts the line short, which hides nothing that stands before it; URLs are all there is.
        out.push_str(line.split("//").next().unwrap_or_default());
        out.push('\n');
    }
    out
}

/// The names that stand directly behind `crate::`, in paths and in braces.
fn used(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let ident = |text: &str| text.chars().take_while(|&c| c == '_' || c.is_alphanumeric()).collect::<String>();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c == '_' || c == '$' || c.is_alphanumeric()) {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(ident(rest));
            continue;
        };
        let (mut depth, mut fresh) = (0, true);
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => fresh = true,
                c if fresh && depth == 0 && !c.is_whitespace() => {
                    names.insert(ident(&group[at..]));
                    fresh = false;
                }
                _ => {}
            }
        }
    }
    names
}

/// The workspace crates a manifest depends on, its development dependencies left out.
fn dependencies(manifest: &toml::Table) -> BTreeSet<String> {
    let tables = ["dependencies", "build-dependencies"].into_iter().filter_map(|name| manifest.get(name)?.as_table());
    tables.flat_map(|table| table.keys()).filter(|name| name.starts_with("residuum")).cloned().collect()
}

/// The crates of `scanners/` by name, with their folders and manifests.
fn crates() -> BTreeMap<String, (PathBuf, toml::Table)> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(root().join("scanners")).expect("the folder is there") {
        let dir = entry.expect("a directory can be read").path();
        let Ok(text) = fs::read_to_string(dir.join("Cargo.toml")) else { continue };
        let manifest: toml::Table = text.parse().expect("cargo has read it, too");
        let name = manifest["package"]["name"].as_str().expect("a package has a name").to_owned();
        all.insert(name, (dir, manifest));
    }
    all
}

fn is_connector(name: &str) -> bool {
    CRATES.iter().all(|&(other, _)| other != name)
}

/// Fails with every problem at once.
#[track_caller]
fn none(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn crates_depend_only_on_what_comes_before() {
    let crates = crates();
    for name in CRATES.iter().map(|&(name, _)| name).chain(["residuum-files", "residuum-sql"]) {
        assert!(crates.contains_key(name), "{name} is not in scanners/");
    }
    let mut problems = Vec::new();
    for (name, (_, manifest)) in &crates {
        let allowed = CRATES.iter().find(|&&(other, _)| other == name).map_or(FOR_CONNECTORS, |&(_, allowed)| allowed);
        for other in dependencies(manifest) {
            if !allowed.contains(&other.as_str()) {
                problems.push(format!("{name} may not depend on {other}"));
            }
        }
    }
    none(problems);
}

#[test]
fn modules_use_only_what_comes_before() {
    let src = root().join("src");
    let mut problems = Vec::new();
    for (path, code) in sources(&src) {
        let inside = path.strip_prefix(&src).expect("it was found there");
        let first = inside.components().next().expect("a file has a name").as_os_str().to_string_lossy();
        let module = first.trim_end_matches(".rs");
        if ["lib", "main"].contains(&module) {
            continue;
        }
        let Some(&(_, allowed)) = MODULES.iter().find(|&&(name, _)| name == module) else {
            problems.push(format!("{}: `{module}` has no place in this test's table", inside.display()));
            continue;
        };
        for other in used(&code) {
            let known = MODULES.iter().any(|&(name, _)| name == other);
            if known && other != module && !allowed.contains(&other.as_str()) {
                problems.push(format!("{}: `{module}` may not use `{other}`", inside.display()));
            }
        }
    }
    none(problems);
}

#[test]
fn only_connect_names_connectors() {
    let connectors: Vec<_> =
        crates().into_keys().filter(|name| is_connector(name)).map(|name| name.replace('-', "_")).collect();
    let src = root().join("src");
    let mut problems = Vec::new();
    let mut in_connect = 0;
    for (path, code) in sources(&src) {
        let inside = path.strip_prefix(&src).expect("it was found there");
        for connector in connectors.iter().filter(|connector| code.contains(connector.as_str())) {
            if inside.starts_with("connect.rs") || inside.starts_with("connect") {
                in_connect += 1;
            } else {
                problems.push(format!("{} names {connector}", inside.display()));
            }
        }
    }
    none(problems);
    assert!(in_connect > 0, "connect.rs names no connector: does this test still look in the right place?");
}

#[test]
fn only_the_command_line_prints() {
    let mut problems = Vec::new();
    let mut trees: Vec<_> = crates().into_values().map(|(dir, _)| dir.join("src")).collect();
    trees.push(root().join("src"));
    for tree in trees {
        for (path, code) in sources(&tree) {
            let inside = path.strip_prefix(root()).expect("it was found there");
            if inside.starts_with("src/cli") || inside == Path::new("src/main.rs") {
                continue;
            }
            let prints = PRINTING.iter().filter(|word| code.contains(**word));
            problems.extend(prints.map(|word| format!("{}: `{word}`", inside.display())));
        }
    }
    none(problems);
}

#[test]
fn the_contract_and_detection_do_no_input_or_output_and_hold_no_locks() {
    let crates = crates();
    let mut problems = Vec::new();
    for name in ["residuum-source", "residuum-detect"] {
        let src = crates[name].0.join("src");
        for (path, code) in sources(&src) {
            let inside = path.strip_prefix(&src).expect("it was found there");
            // Rules are read from a user's folder before there is a detector.
            let rules = inside.starts_with("rules.rs") || inside.starts_with("rules");
            // The source in memory is a store like any other: what is written to it is guarded.
            let store = inside.ends_with("memory.rs");
            let words = ["Mutex<", "RwLock<", "TcpStream", "UdpSocket"].into_iter();
            let words = words.chain((!rules).then_some("std::fs"));
            let found = words.filter(|word| code.contains(word) && !(store && *word == "Mutex<"));
            problems.extend(found.map(|word| format!("{name} {}: `{word}`", inside.display())));
        }
    }
    none(problems);
}

#[test]
fn uses_are_seen_in_every_spelling() {
    let cases: &[(&str, &[&str])] = &[
        ("use crate::index::Index;", &["index"]),
        ("use crate::{\n    config::{Config, Join},\n    scan,\n};", &["config", "scan"]),
        ("let x = crate::cli::run(crate::api::y);", &["api", "cli"]),
        ("use mycrate::index; $crate::index!()", &[]),
        ("// use crate::index\nuse super::x;", &[]),
        ("fn f() {}\n#[cfg(test)]\nmod tests {\n    use crate::cli;\n}", &[]),
    ];
    for &(text, expected) in cases {
        let found = used(&code(text));
        assert!(found.iter().eq(expected.iter()), "{text}: {found:?}");
    }
}
