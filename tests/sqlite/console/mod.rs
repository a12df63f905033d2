//! The console, asked as browsers ask: who may do what, and that what is done there is done as by the command line.

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
