//! The columns of a kind of file.

/// The columns of a kind of file. The first `required` ones must be in the header.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Names, as in FORMATS.md.
    pub columns: &'static [&'static str],
    /// Number of columns, from the first, that a file must have.
    pub required: usize,
}

/// Declares the columns of a kind of file: `LAYOUT`, and an enum of their positions.
macro_rules! columns {
    ($required:ident: $($name:ident = $code:literal),+; optional: $($optional:ident = $optional_code:literal),*) => {
        #[derive(Clone, Copy)]
        enum Column { $($name,)+ $($optional),* }

        impl From<Column> for usize {
            fn from(column: Column) -> Self {
                column as Self
            }
        }

        /// The columns of this file.
        pub const LAYOUT: $crate::import::table::layout::Layout = $crate::import::table::layout::Layout {
            columns: &[$($code,)+ $($optional_code),*],
            required: [$($code),+].len(),
        };
    };
}
pub(in crate::import) use columns;
