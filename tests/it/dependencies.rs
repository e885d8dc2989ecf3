//! The engine alone has two dependencies, both tiny.

use std::process::Command;

#[test]
fn without_default_features_only_arc_swap_and_libm_come_along() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--offline", "--no-default-features", "--edges", "normal"]);
    cargo.args(["--prefix", "none", "--format", "{p}"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut names: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    names.sort_unstable();
    names.dedup();
    // rustversion is arc-swap's: a macro that reads the compiler's version, nothing at run time.
    names.retain(|name| *name != "rustversion");
    assert_eq!(names, ["arc-swap", "libm", "windtunnel"]);
}
