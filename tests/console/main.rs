//! The console, asked as browsers ask: who may do what, and that what is done there is done as by the command line.

#[expect(unreachable_pub, reason = "shared by test programs")]
#[allow(dead_code, reason = "each test program uses a part")]
#[path = "../support/mod.rs"]
pub(crate) mod support;

mod access;
mod audit;
mod counter;
mod letters;
mod nights;
mod people;
mod prefectures;
mod privacy;
mod provider;
mod slots;
