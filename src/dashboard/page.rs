//! The page: plain HTML, CSS and JavaScript of our own, in the program.

/// What stands for the token in the page.
pub(super) const TOKEN: &str = "{{TOKEN}}";
pub(super) const HTML: &str = include_str!("page.html");
pub(super) const STYLE: &str = include_str!("style.css");
pub(super) const SCRIPT: &str = include_str!("app.js");
