//! # Tables of operations
//! One table per service, each line `Name handler Access;`. Routing, IAM action names, record fields, documentation and
//! the sweeps read it. A handler of `-` means: known to the service's model, not built here; such an operation is
//! answered with the service's error for unsupported operations.
//!
//! A table is a macro (`kms_operations!`), so that the crate which holds the handlers expands the same lines into its
//! dispatch with [`dispatch!`](crate::dispatch) and a missing handler does not compile.

use std::fmt;

/// The services that are served, each with the names the wire uses for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    Kms,
    CloudTrail,
    CloudWatch,
    Logs,
    Events,
    Sns,
    Sqs,
    Iam,
    Sts,
    S3,
    Keywatch,
}

impl Service {
    pub const ALL: &[Service] = &[
        Service::Kms,
        Service::CloudTrail,
        Service::CloudWatch,
        Service::Logs,
        Service::Events,
        Service::Sns,
        Service::Sqs,
        Service::Iam,
        Service::Sts,
        Service::S3,
        Service::Keywatch,
    ];

    /// The service name in a credential scope.
    pub const fn signing_name(self) -> &'static str {
        match self {
            Service::Kms => "kms",
            Service::CloudTrail => "cloudtrail",
            Service::CloudWatch => "monitoring",
            Service::Logs => "logs",
            Service::Events => "events",
            Service::Sns => "sns",
            Service::Sqs => "sqs",
            Service::Iam => "iam",
            Service::Sts => "sts",
            Service::S3 => "s3",
            Service::Keywatch => "keywatch",
        }
    }

    /// The prefix of IAM actions (`kms:Encrypt`).
    pub const fn action_prefix(self) -> &'static str {
        match self {
            Service::CloudWatch => "cloudwatch",
            other => other.signing_name(),
        }
    }

    /// `eventSource` of a CloudTrail record.
    pub const fn event_source(self) -> &'static str {
        match self {
            Service::Kms => "kms.amazonaws.com",
            Service::CloudTrail => "cloudtrail.amazonaws.com",
            Service::CloudWatch => "monitoring.amazonaws.com",
            Service::Logs => "logs.amazonaws.com",
            Service::Events => "events.amazonaws.com",
            Service::Sns => "sns.amazonaws.com",
            Service::Sqs => "sqs.amazonaws.com",
            Service::Iam => "iam.amazonaws.com",
            Service::Sts => "sts.amazonaws.com",
            Service::S3 => "s3.amazonaws.com",
            Service::Keywatch => "keywatch.amazonaws.com",
        }
    }

    /// The prefixes of `X-Amz-Target` before `.<Operation>`; empty for services without a JSON protocol.
    pub const fn targets(self) -> &'static [&'static str] {
        match self {
            Service::Kms => &["TrentService"],
            Service::CloudTrail => {
                &["com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101", "CloudTrail_20131101"]
            }
            Service::CloudWatch => &["GraniteServiceVersion20100801"],
            Service::Logs => &["Logs_20140328"],
            Service::Events => &["AWSEvents"],
            Service::Sqs => &["AmazonSQS"],
            Service::Keywatch => &["Keywatch_20261101"],
            Service::Sns | Service::Iam | Service::Sts | Service::S3 => &[],
        }
    }

    /// API version of the query protocol and the XML name space of its answers.
    pub const fn query(self) -> Option<(&'static str, &'static str)> {
        match self {
            Service::CloudWatch => Some(("2010-08-01", "http://monitoring.amazonaws.com/doc/2010-08-01/")),
            Service::Sns => Some(("2010-03-31", "http://sns.amazonaws.com/doc/2010-03-31/")),
            Service::Sqs => Some(("2012-11-05", "http://queue.amazonaws.com/doc/2012-11-05/")),
            Service::Iam => Some(("2010-05-08", "https://iam.amazonaws.com/doc/2010-05-08/")),
            Service::Sts => Some(("2011-06-15", "https://sts.amazonaws.com/doc/2011-06-15/")),
            _ => None,
        }
    }

    /// The version of its JSON protocol; services without one answer as 1.1 does.
    pub const fn json_version(self) -> &'static str {
        match self {
            Service::CloudWatch | Service::Sqs => "1.0",
            _ => "1.1",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.signing_name())
    }
}

/// Whether an operation changes state: `readOnly` of its record, and whether its answer becomes `responseElements`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

/// A line of a service's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationInfo {
    pub service: Service,
    pub name: &'static str,
    pub access: Access,
    /// The handler's module, or `None` when the operation is not built.
    pub handler: Option<&'static str>,
}

impl OperationInfo {
    /// `kms:Encrypt`
    pub fn action(&self) -> String {
        format!("{}:{}", self.service.action_prefix(), self.name)
    }
}

/// Every operation of every table.
pub fn all() -> Vec<OperationInfo> {
    fn of<T: Copy>(table: &[T], info: fn(T) -> OperationInfo) -> Vec<OperationInfo> {
        table.iter().map(|op| info(*op)).collect()
    }
    [
        of(crate::kms::KmsOperation::ALL, |op| op.info()),
        of(crate::cloudtrail::CloudTrailOperation::ALL, |op| op.info()),
        of(crate::logs::LogsOperation::ALL, |op| op.info()),
        of(crate::events::EventsOperation::ALL, |op| op.info()),
        of(crate::cloudwatch::CloudWatchOperation::ALL, |op| op.info()),
        of(crate::sns::SnsOperation::ALL, |op| op.info()),
        of(crate::sqs::SqsOperation::ALL, |op| op.info()),
        of(crate::iam::IamOperation::ALL, |op| op.info()),
        of(crate::sts::StsOperation::ALL, |op| op.info()),
        of(crate::s3::S3Operation::ALL, |op| op.info()),
        of(crate::keywatch::KeywatchOperation::ALL, |op| op.info()),
    ]
    .concat()
}

/// Expands a table into an enum of operations. Used through the tables themselves:
/// `kms_operations!(crate::define_operations);`
#[macro_export]
macro_rules! define_operations {
    ($table:ident $service:ident; $($name:ident $handler:tt $access:ident;)*) => {
        /// The operations of the service.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $table { $($name),* }

        impl $table {
            pub const ALL: &'static [$table] = &[$($table::$name),*];

            /// The operation of that name, exactly as the wire spells it.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $(stringify!($name) => Some($table::$name),)* _ => None }
            }

            pub const fn info(self) -> $crate::OperationInfo {
                match self { $($table::$name => $crate::OperationInfo {
                    service: $crate::Service::$service,
                    name: stringify!($name),
                    access: $crate::Access::$access,
                    handler: $crate::define_operations!(@handler $handler),
                },)* }
            }
        }
    };
    (@handler -) => { None };
    (@handler $handler:ident) => { Some(stringify!($handler)) };
}

/// Expands a table into the `match` that decodes the request, runs the handler and encodes its answer.
///
/// A crate with handlers defines its dispatch so:
/// ```ignore
/// pub async fn dispatch(op: KmsOperation, wire: &Wire<'_>, call: &mut Call<'_>, kms: &Kms) -> Result<Bytes, Fault> {
///     keywatch_api::kms_operations!(keywatch_api::dispatch, op, wire, call, kms, unsupported)
/// }
/// ```
/// where each handler is `async fn name(call: &mut Call<'_>, service: &S, request: Request) -> Result<Response, E: WireError>`
/// in a module of the same name, and `unsupported(name) -> Fault` answers for the operations not built.
#[macro_export]
macro_rules! dispatch {
    ($op:expr, $wire:expr, $call:expr, $service:expr, $unsupported:expr, $table:ident $svc:ident; $($name:ident $handler:tt $access:ident;)*) => {
        match $op {
            $($table::$name => $crate::dispatch!(@arm $name $handler $access $wire, $call, $service, $unsupported),)*
        }
    };
    (@arm $name:ident - $access:ident $wire:expr, $call:expr, $service:expr, $unsupported:expr) => {
        Err($unsupported(stringify!($name)))
    };
    (@arm $name:ident $handler:ident Read $wire:expr, $call:expr, $service:expr, $unsupported:expr) => {{
        let request = $wire.decode()?;
        $call.notes.note_request(&request);
        let response = $handler::$handler($call, $service, request).await.map_err($crate::Fault::from_error)?;
        Ok($wire.encode(&response))
    }};
    (@arm $name:ident $handler:ident Write $wire:expr, $call:expr, $service:expr, $unsupported:expr) => {{
        let request = $wire.decode()?;
        $call.notes.note_request(&request);
        let response = $handler::$handler($call, $service, request).await.map_err($crate::Fault::from_error)?;
        $call.notes.note_response(&response);
        Ok($wire.encode(&response))
    }};
}

/// Expands a table into the `match` that describes an operation's request, or `None` where it is not built:
/// `keywatch_api::kms_operations!(keywatch_api::request_shapes, op, request_shape_of)`, where `request_shape_of` gives a
/// handler's request shape, the handler being a function in a module of the same name.
#[macro_export]
macro_rules! request_shapes {
    ($op:expr, $shape_of:expr, $table:ident $svc:ident; $($name:ident $handler:tt $access:ident;)*) => {
        match $op { $($table::$name => $crate::request_shapes!(@arm $handler $shape_of),)* }
    };
    (@arm - $shape_of:expr) => { None };
    (@arm $handler:ident $shape_of:expr) => { Some($shape_of($handler::$handler)) };
}
