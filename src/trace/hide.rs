//! Names of tenants, as they are or hashed under a key: the same name has the same hash for as long as
//! the key is the same, and nobody without the key can try names.

use std::hash::{BuildHasher, Hasher, RandomState};

/// How tenants are called.
#[derive(Clone, Debug, Default)]
pub enum Hide {
    /// As the log calls them.
    #[default]
    Nothing,
    /// Hashed with a key that exists only as long as this.
    Fresh(RandomState),
    /// Hashed with the user's key, so that another run calls them the same.
    Key(String),
}

impl Hide {
    /// Hides names under a fresh key, or the user's.
    pub fn with(key: Option<&str>) -> Self {
        match key {
            None | Some("") => Self::Fresh(RandomState::new()),
            Some(key) => Self::Key(key.to_owned()),
        }
    }

    /// Says a name.
    pub fn name<T>(&self, name: &str, say: impl FnOnce(&str) -> T) -> T {
        let hash = match self {
            Self::Nothing => return say(name),
            Self::Fresh(state) => state.hash_one(name),
            Self::Key(key) => {
                // The key goes first and last, so that no prefix of it can be taken for a name.
                let mut hasher = std::hash::DefaultHasher::new();
                for part in [key.as_str(), name, key.as_str()] {
                    hasher.write_u64(part.len() as u64);
                    hasher.write(part.as_bytes());
                }
                hasher.finish()
            }
        };
        say(&format!("tenant-{hash:016x}"))
    }
}
