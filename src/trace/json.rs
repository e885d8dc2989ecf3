//! JSON files: an object a line, one object after another over several lines, a list of objects, or
//! a list under `"data"`. One object is in memory at a time.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::error::TraceError;

/// Longest object; a longer one counts as unreadable. A prompt of a million tokens fits.
pub(super) const OBJECT_MAX: usize = 16 << 20;

/// Objects of a file, one after another.
pub(super) struct Objects {
    file: PathBuf,
    reader: BufReader<File>,
    object: Vec<u8>,
    /// Line on which the object begins, and on which the next byte stands.
    start: u64,
    line: u64,
    layout: Layout,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// An object on each line.
    Lines,
    /// Objects anywhere, between commas, brackets and white space.
    Anywhere,
}

/// What came of asking for an object.
pub(super) enum Found {
    /// It stands in [`Objects::object`].
    Object,
    /// Longer than [`OBJECT_MAX`], or not closed before the end.
    Broken(&'static str),
    /// There is no further one.
    End,
}

impl Objects {
    pub(super) fn open(path: &Path) -> Result<Self, TraceError> {
        let file = path.to_path_buf();
        let unreadable = |source| TraceError::Unreadable { file: file.clone(), source };
        let mut reader = BufReader::with_capacity(1 << 16, File::open(path).map_err(unreadable)?);
        let head = reader.fill_buf().map_err(unreadable)?;
        let bom = if head.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        let (skip, layout) = layout(&head[bom..]);
        let lines = head[..bom + skip].iter().filter(|byte| **byte == b'\n').count();
        reader.consume(bom + skip);
        let line = 1 + lines as u64;
        Ok(Self { file, reader, object: Vec::new(), start: line, line, layout })
    }

    /// The object found last.
    pub(super) fn object(&self) -> &[u8] {
        &self.object
    }

    /// The line on which it begins.
    pub(super) const fn starts_on(&self) -> u64 {
        self.start
    }

    pub(super) fn next(&mut self) -> Result<Found, TraceError> {
        self.object.clear();
        let found = match self.layout {
            Layout::Lines => self.next_line(),
            Layout::Anywhere => self.next_anywhere(),
        };
        found.map_err(|source| TraceError::Unreadable { file: self.file.clone(), source })
    }

    fn next_line(&mut self) -> std::io::Result<Found> {
        loop {
            self.start = self.line;
            self.object.clear();
            let limit = OBJECT_MAX as u64 + 1;
            let read = (&mut self.reader).take(limit).read_until(b'\n', &mut self.object)?;
            if read == 0 {
                return Ok(Found::End);
            }
            self.line += 1;
            if read as u64 == limit && !self.object.ends_with(b"\n") {
                self.object.clear();
                self.reader.skip_until(b'\n')?;
                return Ok(Found::Broken("longer than 16 MiB"));
            }
            if !self.object.trim_ascii().is_empty() {
                return Ok(Found::Object);
            }
        }
    }

    fn next_anywhere(&mut self) -> std::io::Result<Found> {
        let (mut depth, mut in_text, mut escaped, mut long) = (0u32, false, false, false);
        loop {
            let bytes = self.reader.fill_buf()?;
            if bytes.is_empty() {
                return Ok(if depth > 0 { Found::Broken("not closed") } else { Found::End });
            }
            let (mut used, mut done) = (0, false);
            let mut from = if depth > 0 { 0 } else { bytes.len() };
            for (at, byte) in bytes.iter().enumerate() {
                used = at + 1;
                self.line += u64::from(*byte == b'\n');
                if in_text {
                    match byte {
                        _ if escaped => escaped = false,
                        b'\\' => escaped = true,
                        b'"' => in_text = false,
                        _ => {}
                    }
                    continue;
                }
                match byte {
                    b'"' if depth > 0 => in_text = true,
                    b'{' => {
                        if depth == 0 {
                            self.start = self.line;
                            from = at;
                        }
                        depth += 1;
                    }
                    b'}' if depth > 0 => {
                        depth -= 1;
                        if depth == 0 {
                            done = true;
                            break;
                        }
                    }
                    _ => {}
                }
            }
            if from < used && !long {
                self.object.extend_from_slice(&bytes[from..used]);
                long = self.object.len() > OBJECT_MAX;
            }
            self.reader.consume(used);
            if done {
                return Ok(if long { Found::Broken("longer than 16 MiB") } else { Found::Object });
            }
        }
    }
}

/// How many bytes to skip, and how objects lie, from the beginning of a file.
fn layout(head: &[u8]) -> (usize, Layout) {
    let white = head.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let rest = &head[white..];
    // `{ "data": [ … ] }`: what several interfaces answer.
    let inside = rest.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    let data = inside.and_then(|inside| inside.strip_prefix(b"\"data\""));
    let colon = data.and_then(|rest| rest.trim_ascii_start().strip_prefix(b":"));
    if let Some(list) = colon.and_then(|rest| rest.trim_ascii_start().strip_prefix(b"[")) {
        return (head.len() - list.len(), Layout::Anywhere);
    }
    let first = rest.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    let is_whole = first.ends_with(b"}") || first.len() == rest.len();
    let layout = match rest.first() {
        Some(b'[') => Layout::Anywhere,
        Some(b'{') if !is_whole => Layout::Anywhere,
        _ => Layout::Lines,
    };
    (0, layout)
}
