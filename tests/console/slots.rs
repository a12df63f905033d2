//! Of the console: see the pages of that name.
