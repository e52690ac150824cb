//! Every operation of every service, from the services' own tables.

use keywatch_api::cloudtrail::CloudTrailOperation;
use keywatch_api::cloudwatch::CloudWatchOperation;
use keywatch_api::describe::Shape;
use keywatch_api::events::EventsOperation;
use keywatch_api::iam::IamOperation;
use keywatch_api::keywatch::KeywatchOperation;
use keywatch_api::kms::KmsOperation;
use keywatch_api::logs::LogsOperation;
use keywatch_api::sns::SnsOperation;
use keywatch_api::sqs::SqsOperation;
use keywatch_api::sts::StsOperation;
use keywatch_api::{OperationInfo, Service};

macro_rules! services {
    ($($service:ident $table:ident $shape_of:path),* $(,)?) => {
        /// An operation of one of the services.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Operation { $($service($table)),* }

        impl Operation {
            /// The operation of that name, spelled as on the wire.
            pub fn find(service: Service, name: &str) -> Option<Self> {
                match service {
                    $(Service::$service => $table::from_name(name).map(Self::$service),)*
                    _ => None,
                }
            }

            /// Its line in the table.
            pub fn info(self) -> OperationInfo {
                match self { $(Self::$service(operation) => operation.info()),* }
            }

            /// What its request accepts; `None` where it is not built.
            pub fn request_shape(self) -> Option<Shape> {
                match self { $(Self::$service(operation) => $shape_of(operation)),* }
            }

            /// All operations, service by service.
            pub fn all() -> impl Iterator<Item = Self> {
                [].into_iter()$(.chain($table::ALL.iter().copied().map(Self::$service)))*
            }
        }
    };
}

services! {
    CloudWatch CloudWatchOperation keywatch_monitor::cloudwatch::request_shape,
    Kms KmsOperation keywatch_kms::request_shape,
    Logs LogsOperation keywatch_monitor::logs::request_shape,
    Events EventsOperation keywatch_monitor::events::request_shape,
    Sns SnsOperation keywatch_monitor::notify::sns::request_shape,
    Sqs SqsOperation keywatch_monitor::notify::sqs::request_shape,
    CloudTrail CloudTrailOperation keywatch_monitor::trail::request_shape,
    Iam IamOperation keywatch_iam::iam::request_shape,
    Sts StsOperation keywatch_iam::sts::request_shape,
    Keywatch KeywatchOperation crate::keywatch::request_shape,
}
