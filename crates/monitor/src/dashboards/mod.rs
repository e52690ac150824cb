//! # Dashboards: pages of widgets that people keep
//! A **dashboard** belongs to an account, not to a Region, and has a **body**: JSON text of **widgets** with their places and
//! properties. What cannot be drawn is refused with a **finding** for each place; what is only unknown is kept and warned of.
//! **Invariant:** a body is stored as it came, byte for byte, or not at all.
//! **Not here:** drawing (`crate::widget_image`).

pub mod automatic;
pub(crate) mod body;
pub(crate) mod delete_dashboards;
pub(crate) mod get_dashboard;
pub(crate) mod list_dashboards;
pub(crate) mod put_dashboard;
pub(crate) mod record;
pub(crate) mod rows;
