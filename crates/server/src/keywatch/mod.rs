//! The service of our own: the clock, imports, questions to the history and the outbox. One file per operation.

mod advance_clock;
mod describe_clock;
mod error;

use keywatch_api::codec::Wire;
use keywatch_api::describe::Shape;
use keywatch_api::keywatch::KeywatchOperation;
use keywatch_api::{Fault, WireField};
use keywatch_iam::Call;
use keywatch_kms::evidence::{get_automatic_dashboard, get_deletion_readiness, get_key_usage};
use keywatch_monitor::notify::list_outbox;
use keywatch_monitor::trail::import::{
    create_import_source, delete_import_source, describe_import_sources, describe_imports, import_trail,
};
use keywatch_monitor::trail::search_trail;

use crate::app::App;

/// What the request of an operation accepts; `None` where it is not built.
pub fn request_shape(op: KeywatchOperation) -> Option<Shape> {
    keywatch_api::keywatch_operations!(keywatch_api::request_shapes, op, shape_of)
}

/// As [`keywatch_iam::request_shape_of`], of handlers that take any service and are given the whole process here.
fn shape_of<R: WireField, A>(_: impl AsyncFn(&mut Call<'_>, &App, R) -> A) -> Shape {
    R::describe()
}

/// Decodes the request, runs its operation inside `call`, and encodes the answer. Commits nothing.
pub async fn dispatch(
    op: KeywatchOperation,
    wire: &Wire<'_>,
    call: &mut Call<'_>,
    app: &App,
) -> Result<Vec<u8>, Fault> {
    answer(op, wire, call, app).await.map_err(|fault| explained(fault, op, call, app))
}

async fn answer(
    op: KeywatchOperation,
    wire: &Wire<'_>,
    call: &mut Call<'_>,
    app: &App,
) -> Result<Vec<u8>, Fault> {
    // Nothing answers for operations that are not built: all are.
    keywatch_api::keywatch_operations!(keywatch_api::dispatch, op, wire, call, app, ())
}

/// A refusal with its encoded message, which `sts:DecodeAuthorizationMessage` opens.
fn explained(fault: Fault, op: KeywatchOperation, call: &Call<'_>, app: &App) -> Fault {
    if fault.code != "AccessDeniedException" {
        return fault;
    }
    let action = format!("keywatch:{}", op.info().name);
    let Some(encoded) = app.iam.encode_denial(call, &action, "*") else { return fault };
    let text = fault.message.as_deref().unwrap_or_default();
    let message = Some(format!("{text}. Encoded authorization failure message: {encoded}"));
    Fault { message, ..fault }
}
