//! A call of one of the services that share the three protocols, as the wrapper around every call takes it.

use keywatch_api::codec::{Protocol, Wire};
use keywatch_api::{Fault, OperationInfo};
use keywatch_iam::Call;

use super::dispatch;
use super::route::Route;
use crate::app::App;
use crate::auth::authenticate::{AuthError, Authenticated};
use crate::recorded::Work;

/// A routed call with the members of its request: the body with its content encoding undone, or the form in the URL.
#[derive(Debug, Clone, Copy)]
pub struct ApiCall<'a> {
    pub route: Route,
    pub members: &'a [u8],
}

impl Work for ApiCall<'_> {
    type Answer = Vec<u8>;

    fn info(&self) -> OperationInfo {
        self.route.operation.info()
    }

    async fn run<'w>(
        &'w self,
        app: &'w App,
        _: &'w Authenticated,
        call: &'w mut Call<'_>,
    ) -> Result<Vec<u8>, Fault> {
        let info = self.info();
        let wire = Wire {
            protocol: self.route.protocol,
            service: info.service,
            operation: info.name,
            request_id: call.origin.request_id,
            body: self.members,
        };
        dispatch::dispatch(self.route.operation, &wire, call, app).await
    }

    fn refusal(&self, reason: &AuthError) -> Fault {
        reason.fault(self.route.protocol)
    }

    /// Records name the code as the wire does, except that refused authorisations are `AccessDenied` everywhere.
    fn record_code<'f>(&self, fault: &'f Fault) -> &'f str {
        match self.route.protocol {
            _ if fault.code == "AccessDeniedException" => "AccessDenied",
            Protocol::Query => fault.code_in_query(),
            _ => &fault.code,
        }
    }
}
