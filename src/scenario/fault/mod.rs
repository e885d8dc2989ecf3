//! `[[fault]]`: what goes wrong. The catalogue F0–F17, one file per kind, each modelled on public
//! incidents.
//!
//! A kind says which keys it takes and turns them into parts; everything that all kinds have in
//! common (where, when, how long, which shape) is done once, in `build`.
//!
//! Catalogued durations are hours; a benchmark of minutes compresses them, so every kind lasts 60 s
//! unless the scenario says otherwise (our choice).

mod acceleration;
mod background;
mod brown_out;
mod build;
mod cascade;
mod cold_start;
mod error;
mod error_burst;
mod file;
mod flapping;
mod hard_outage;
mod key_fault;
mod kind;
mod limit_cut;
mod midstream;
mod one_model;
mod overload;
mod regional;
mod selector;
mod severe_outage;
mod shape;
mod slow_recovery;
mod stall;
mod start;
mod tpm_wall;

pub(crate) use build::faults;
pub(crate) use file::FaultFile;
pub use kind::{FaultKind, KindKey};
pub(crate) use selector::{On, routes};

/// The catalogue, in the order in which it is listed.
pub static FAULTS: &[FaultKind] = &[
    background::KIND,
    hard_outage::KIND,
    error_burst::KIND,
    stall::KIND,
    flapping::KIND,
    severe_outage::KIND,
    one_model::KIND,
    regional::KIND,
    overload::KIND,
    brown_out::KIND,
    tpm_wall::KIND,
    limit_cut::KIND,
    acceleration::KIND,
    midstream::KIND,
    cold_start::KIND,
    cascade::KIND,
    slow_recovery::KIND,
    key_fault::KIND,
];
