//! Progress on standard error, only on a terminal.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// One progress bar for a whole command.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(wanted: bool) -> Self {
        if !wanted || !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(0);
        bar.set_style(style(false));
        Self(bar)
    }

    /// Shows a stage: done out of total, or only its name if the total is unknown.
    pub(super) fn show(&self, stage: &str, done: u64, total: u64) {
        if self.0.length() != Some(total) {
            self.0.set_style(style(total > 0));
            self.0.set_length(total);
        }
        self.0.set_message(stage.to_owned());
        self.0.set_position(done);
        self.0.tick();
    }

    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

fn style(known: bool) -> ProgressStyle {
    let template = if known { "{msg} [{bar:30}] {human_pos}/{human_len} {eta}" } else { "{spinner} {msg}" };
    // Unwrap safety: both templates are constants that the tests below try.
    ProgressStyle::with_template(template).expect("a valid template").progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_styles_are_valid() {
        super::style(true);
        super::style(false);
    }
}
