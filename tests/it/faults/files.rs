//! Files that cannot be opened, and that are not whole.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::{Faults, Then};
use crate::sandbox::{Run, Sandbox};

fn tree() -> Faults {
    let sandbox = Sandbox::new();
    let lines = |who: &str| (0..30).map(|i| format!("line {i} by {who}{i}@example.com\n")).collect::<String>();
    sandbox.file("data/a.log", lines("first").repeat(200));
    for name in ["b", "c/d", "e"] {
        sandbox.file(format!("data/{name}.txt"), lines(&name.replace('/', "")));
    }
    sandbox.file("residuum.toml", "[[source]]\nname = \"data\"\nurl = \"data\"\n");
    Faults::new("Files", sandbox)
}

impl Faults {
    /// A scan by somebody whom permissions hold for, though the user be root.
    fn scan_without_privileges(&self) -> Run {
        let _ = fs::remove_dir_all(self.sandbox.path("index"));
        let scanning = self.scanning();
        let mut command = Command::new("setpriv");
        let no_override = ["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"];
        command.args(no_override).arg(scanning.get_program()).args(scanning.get_args());
        command.current_dir(self.sandbox.path("")).env_clear();
        for (name, value) in std::env::vars_os().filter(|(name, _)| !name.to_string_lossy().starts_with("RESIDUUM_")) {
            command.env(name, value);
        }
        for (name, value) in scanning.get_envs() {
            value.map(|value| command.env(name, value));
        }
        Run::of(&mut command)
    }

    fn permit(&self, name: &str, mode: u32) {
        fs::set_permissions(self.sandbox.path(name), Permissions::from_mode(mode)).expect("it is ours");
    }
}

#[test]
fn files_fail_as_the_table_says() {
    let faults = tree();
    let path = |name: &str| faults.sandbox.path(name);

    faults.permit("data/e.txt", 0o000);
    let denied = Then::Named("unreadable", "e.txt", "permission denied");
    faults.row("a file without the right to read it", faults.scan_without_privileges(), denied);
    faults.permit("data/e.txt", 0o644);
    faults.heals();

    faults.permit("data/c", 0o000);
    let run = faults.scan_without_privileges();
    faults.permit("data/c", 0o755);
    let denied = Then::Named("unreadable", "c", "the directory cannot be listed: permission denied");
    faults.row("a directory without the right to list it", run, denied);
    faults.heals();

    let made = Command::new("mkfifo").arg(path("data/pipe")).status();
    assert!(made.expect("mkfifo is there").success());
    faults.row("a named pipe", faults.scan(), Then::Named("unsupported", "pipe", "a named pipe"));
    fs::remove_file(path("data/pipe")).expect("it is there");
    faults.heals();

    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for i in 0..5_000 {
        writeln!(packed, "line {i} by packed{i}@example.com").expect("there is room");
    }
    let packed = packed.finish().expect("it ends");
    fs::write(path("data/z.gz"), &packed[..packed.len() / 2]).expect("it can be written");
    faults.row(
        "gzip that is cut off",
        faults.scan(),
        Then::Named("unreadable", "z.gz!z", "the compressed data end in the middle"),
    );
    assert!(super::findings(&faults.sandbox, "index").contains("z.gz"), "what comes before is found");
    fs::remove_file(path("data/z.gz")).expect("it is there");
    faults.heals();
}
