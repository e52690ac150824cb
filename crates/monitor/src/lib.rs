//! All that follows the trail (see ARCHITECTURE.md).

pub mod events;
pub mod logs;
