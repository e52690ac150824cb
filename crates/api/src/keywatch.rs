//! Our own service, for what AWS has no operation: JSON 1.1, target `Keywatch_20261101`, signed like the rest.

use serde::Serialize;

use crate::WireTime;

/// The table of operations.
#[macro_export]
macro_rules! keywatch_operations {
    ($($then:ident)::+ $(, $args:expr)*) => {
        $($then)::+! { $($args,)* KeywatchOperation Keywatch;
            AdvanceClock advance_clock Write;
            DescribeClock describe_clock Read;
            DescribeImports - Read;
            ImportTrail - Write;
            ListOutbox - Read;
        }
    };
}

crate::keywatch_operations!(crate::define_operations);

/// A hundred years.
const ADVANCE_SECONDS_MAX: i64 = 100 * 366 * 86_400;

crate::shape! {
    /// Moves the test clock forward by whole seconds.
    pub struct AdvanceClockRequest: Pascal { seconds: i64 [range 1..=ADVANCE_SECONDS_MAX] }
}

crate::shape! {
    pub struct DescribeClockRequest: Pascal {}
}

/// What the server's clock shows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ClockReading {
    pub now: WireTime,
    /// Whether it is a test clock, which only `AdvanceClock` moves.
    pub test: bool,
}
