//! How far long work on files has come: a bar where standard error is a terminal, else a line now and then.

use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use keywatch_logfiles::LogFiles;

use crate::exit;

/// Seconds between two lines; work that ends sooner says nothing.
const LINE_SECONDS: u64 = 10;

/// A bar over the bytes on disk, shown when standard error is a terminal.
pub fn bar_of(files: &LogFiles) -> ProgressBar {
    bar_of_bytes(bytes_of(files))
}

/// The same over so many bytes.
pub fn bar_of_bytes(bytes: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
    bar.set_style(style("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}"));
    bar
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn bytes_of(files: &LogFiles) -> u64 {
    files.files.iter().map(|file| file.bytes).sum()
}

/// Files and their bytes, done and to do. Shared by threads.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    files: AtomicU64,
    /// Where there is no terminal: the second at which a line is due.
    line_due: Option<AtomicU64>,
}

/// How much there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    pub files: u64,
    pub bytes: u64,
}

impl Total {
    pub fn of(files: &LogFiles) -> Self {
        Self { files: files.files.len() as u64, bytes: bytes_of(files) }
    }
}

impl Progress {
    /// Begins; the clock of the first line too.
    pub fn begin() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style("{spinner} {elapsed} {msg}"));
        let line_due = (!io::stderr().is_terminal()).then(|| AtomicU64::new(LINE_SECONDS));
        Self { bar, files: AtomicU64::new(0), line_due }
    }

    /// Shows that so much was done of `total`, where that is known, and what else there is to say.
    pub fn show(&self, files: u64, bytes: u64, total: Option<Total>, more: &str) {
        if let Some(total) = total.filter(|total| self.bar.length() != Some(total.bytes)) {
            self.bar.set_style(style("{bar:40} {msg} {bytes_per_sec} {eta}"));
            self.bar.set_length(total.bytes);
        }
        let text = text(files, bytes, total, more);
        self.bar.set_position(bytes);
        self.bar.set_message(text.clone());
        self.bar.tick();
        let elapsed = self.bar.elapsed().as_secs();
        if let Some(line_due) = &self.line_due {
            let due = line_due.load(Ordering::Relaxed);
            let next = elapsed + LINE_SECONDS;
            let order = (Ordering::Relaxed, Ordering::Relaxed);
            if elapsed >= due && line_due.compare_exchange(due, next, order.0, order.1).is_ok() {
                exit::complain(&text);
            }
        }
    }

    /// One more file of so many bytes is done.
    pub fn pass(&self, bytes: u64, total: Total) {
        let files = self.files.fetch_add(1, Ordering::Relaxed) + 1;
        self.show(files, self.bar.position() + bytes, Some(total), "");
    }

    /// Says something without breaking the bar.
    pub fn suspend(&self, say: impl FnOnce()) {
        self.bar.suspend(say);
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn text(files: u64, bytes: u64, total: Option<Total>, more: &str) -> String {
    let bytes = HumanBytes(bytes);
    match total {
        Some(total) => {
            format!("{files} of {} files, {bytes} of {}{more}", total.files, HumanBytes(total.bytes))
        }
        None => format!("{files} files, {bytes}{more}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_much_of_how_much() {
        let total = Some(Total { files: 30, bytes: 5 << 20 });
        assert_eq!(
            text(3, 1 << 20, total, ", 12 records"),
            "3 of 30 files, 1.00 MiB of 5.00 MiB, 12 records"
        );
        assert_eq!(text(3, 512, None, ""), "3 files, 512 B");
    }
}
