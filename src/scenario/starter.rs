//! The file that `windtunnel new` writes: a whole scenario with a comment at every line.

/// A commented scenario to start from; `name` goes into its first line.
pub fn starter(name: &str) -> String {
    include_str!("starter.toml").replacen("NAME", name, 1)
}
