//! Doors to the machine: the only places that ask it anything. The time, randomness, files that are there whole or not
//! at all, who this process is, a confirmation typed on a terminal, logs.

pub mod clock;
pub mod confirm;
pub mod entropy;
pub mod fault;
pub mod files;
pub mod process;
pub mod telemetry;
