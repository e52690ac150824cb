//! Who calls, and from where, in targets that ask policies.

use keywatch_iam::policy::{Environment, Subject, SubjectKind};

pub const ACCOUNT: &str = "111111111111";

pub const ALICE: Subject<'_> = Subject {
    kind: SubjectKind::User,
    account: ACCOUNT,
    arn: "arn:aws:iam::111111111111:user/Alice",
    user_id: "AIDAALICEALICEALICE1",
    user_name: Some("Alice"),
    ..Subject::ANONYMOUS
};

pub fn environment(user_agent: Option<&str>) -> Environment<'_> {
    Environment {
        now: jiff::Timestamp::UNIX_EPOCH,
        region: "us-east-1",
        source_ip: None,
        user_agent,
        secure_transport: true,
        via_service: None,
    }
}
