//! `GetAccountSummary`: how many identities there are, and how many there may be.

use keywatch_api::iam::account::{EmptyRequest, GetAccountSummaryResponse};

use super::authorize::authorize_account;
use super::quotas::{self, Counted};
use super::{Iam, IamError, groups, holders, policies};
use crate::Call;
use crate::identity::{POLICY, PolicyRecord, VERSIONS_MAX};

/// Quotas that nothing counts against an account's row, and what does not exist here. IAM user guide, "IAM and AWS STS quotas".
const FIXED: [(&str, u32); 23] = [
    ("AccessKeysPerUserQuota", 2),
    ("AccountAccessKeysPresent", 1),
    ("AccountMFAEnabled", 0),
    ("AccountPasswordPresent", 0),
    ("AccountSigningCertificatesPresent", 0),
    ("AssumeRolePolicySizeQuota", 2_048),
    ("AttachedPoliciesPerGroupQuota", 10),
    ("AttachedPoliciesPerRoleQuota", 10),
    ("AttachedPoliciesPerUserQuota", 10),
    ("GlobalEndpointTokenVersion", 1),
    ("GroupsPerUserQuota", 10),
    ("InstanceProfiles", 0),
    ("InstanceProfilesQuota", 1_000),
    ("MFADevices", 0),
    ("MFADevicesInUse", 0),
    ("PolicyVersionsInUseQuota", 10_000),
    ("Providers", 0),
    ("RolePolicySizeQuota", 10_240),
    ("ServerCertificates", 0),
    ("ServerCertificatesQuota", 20),
    ("SigningCertificatesPerUserQuota", 2),
    ("PolicySizeQuota", 6_144),
    ("UserPolicySizeQuota", 2_048),
];

pub(crate) async fn get_account_summary(
    call: &mut Call<'_>,
    _iam: &Iam,
    _request: EmptyRequest,
) -> Result<GetAccountSummaryResponse, IamError> {
    authorize_account(call, "GetAccountSummary")?;
    let account = quotas::account(call).await?;
    let own: Vec<PolicyRecord> = holders::rows(call, POLICY).await?;
    let versions = own.iter().map(|policy| policy.versions().len()).sum();
    let mut summary_map: std::collections::BTreeMap<&'static str, u32> = FIXED.into_iter().collect();
    for counted in Counted::ALL {
        summary_map.insert(counted.name(), account.counts.get(counted.name()).copied().unwrap_or_default());
        summary_map.insert(counted.quota_name(), counted.max());
    }
    summary_map.insert("GroupPolicySizeQuota", policies::count(groups::POLICY_BYTES_MAX));
    summary_map.insert("PolicyVersionsInUse", policies::count(versions));
    summary_map.insert("VersionsPerPolicyQuota", policies::count(VERSIONS_MAX));
    Ok(GetAccountSummaryResponse { summary_map })
}
