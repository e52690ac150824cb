//! # Pictures of metric widgets
//! A **definition** is the JSON text of a widget, as dashboards have it, with the size and the time of one picture. It is read
//! (`definition.rs`) into queries and an empty chart; what the queries give is drawn into it.
//! **Not here:** drawing (`keywatch_chart`), queries (`crate::metrics::query`).

mod definition;
pub(crate) mod get_metric_widget_image;
pub mod mailed;
