//! Our own service, for what AWS has no operation: JSON 1.1, target `Keywatch_20261101`, signed like the rest.

/// The table of operations.
#[macro_export]
macro_rules! keywatch_operations {
    ($($then:ident)::+ $(, $args:expr)*) => {
        $($then)::+! { $($args,)* KeywatchOperation Keywatch;
            AdvanceClock advance_clock Write;
            DescribeClock describe_clock Read;
            DescribeImports describe_imports Read;
            ImportTrail import_trail Write;
            ListOutbox list_outbox Read;
        }
    };
}

crate::keywatch_operations!(crate::define_operations);
