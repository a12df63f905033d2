//! What an office does, each as one function: takes in files, plans and carries out a night, acts by hand, hands out
//! the post, prints sheets. `cli`, `serve` and the console ask, and show what comes of it.

pub mod acts;
pub mod import;
pub mod night;
pub mod post;
pub mod run;
pub mod sheet;
pub mod titles;
pub mod undo;
