//! Configurations of other gateways, read into scenarios: LiteLLM's `config.yaml`, Kong's declarative
//! YAML, Bifrost's `config.json`.
//!
//! ```text
//! text ─ tree ─▶ litellm | kong | bifrost ─▶ Draft (providers, models, policy) ─ write ─▶ TOML
//!                   └── marks each key in a Book: understood | ignored | not represented
//! ```
//!
//! A configuration is full of secrets. What is copied out of it is copied by name: numbers, and names of
//! models, deployments, providers and regions that look like names. Messages say where something is wrong,
//! never what stands there.

mod bifrost;
mod book;
mod draft;
mod governance;
mod kong;
mod litellm;
mod node;
mod owners;
mod read;
mod safe;
mod write;

#[cfg(test)]
mod tests;

pub use book::{Line, Verdict};
pub use draft::profile_of;
pub use read::{Gateway, Import, ImportError, read};
