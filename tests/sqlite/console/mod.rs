//! The console, through HTTP as browsers use it: access rights, and the same effects as on the command line.

mod access;
mod audit;
mod browser;
mod counter;
mod letters;
mod nights;
mod people;
mod prefectures;
mod privacy;
mod provider;
mod slots;
