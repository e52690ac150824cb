//! The bar that shows how far long work on files has come.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use keywatch_logfiles::LogFiles;

/// A bar over the bytes on disk, shown when standard error is a terminal.
pub fn bar_of(files: &LogFiles) -> ProgressBar {
    bar_of_bytes(files.files.iter().map(|file| file.bytes).sum())
}

/// The same over so many bytes.
pub fn bar_of_bytes(bytes: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
    let style = "{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
