//! From an operation to the service that has it.

use keywatch_api::Fault;
use keywatch_api::codec::Wire;
use keywatch_iam::Call;

use super::operation::Operation;
use crate::app::App;

/// Runs an operation inside `call` and gives the body of its answer. Commits nothing.
pub async fn dispatch(
    operation: Operation,
    wire: &Wire<'_>,
    call: &mut Call<'_>,
    app: &App,
) -> Result<Vec<u8>, Fault> {
    // Only the busiest service's future is kept inline; the others would make every request's future larger.
    match operation {
        Operation::CloudWatch(op) => {
            Box::pin(keywatch_monitor::cloudwatch::dispatch(op, wire, call, &app.cloudwatch)).await
        }
        Operation::Kms(op) => keywatch_kms::dispatch(op, wire, call, &app.kms).await,
        Operation::Logs(op) => Box::pin(keywatch_monitor::logs::dispatch(op, wire, call, &app.logs)).await,
        Operation::Events(op) => {
            Box::pin(keywatch_monitor::events::dispatch(op, wire, call, &app.events)).await
        }
        Operation::CloudTrail(op) => {
            Box::pin(keywatch_monitor::trail::dispatch(op, wire, call, &app.trails)).await
        }
        Operation::Sns(op) => {
            Box::pin(keywatch_monitor::notify::sns::dispatch(op, wire, call, &app.notify)).await
        }
        Operation::Sqs(op) => {
            Box::pin(keywatch_monitor::notify::sqs::dispatch(op, wire, call, &app.notify)).await
        }
        Operation::Iam(op) => Box::pin(keywatch_iam::iam::dispatch(op, wire, call, &app.iam)).await,
        Operation::Sts(op) => Box::pin(keywatch_iam::sts::dispatch(op, wire, call, &app.iam)).await,
        Operation::Keywatch(op) => Box::pin(crate::keywatch::dispatch(op, wire, call, app)).await,
    }
}
