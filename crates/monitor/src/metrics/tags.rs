//! # Tags of what metrics are about
//! Metrics Insights may ask for the tags of the resource that a metric is about. Who keeps resources **lends** their tags for a query;
//! metrics name a resource by its ARN or, within an account and Region, by the id at the ARN's end.
//! **Not here:** who keeps resources (the server knows), tags of CloudWatch's own things (`cloudwatch::tagged`).
//!
//! Source: CloudWatch User Guide, "Metrics Insights query components and syntax": `tag.keyName`.

use std::fmt::Debug;

use futures_util::future::BoxFuture;
use keywatch_store::StoreError;

/// The dimensions whose values name a resource.
pub(super) const RESOURCE_DIMENSIONS: [&str; 2] = ["KeyArn", "KeyId"];

/// Tagged resources of one account and Region.
#[derive(Debug, Default)]
pub struct Tags {
    resources: Vec<Tagged>,
}

#[derive(Debug)]
struct Tagged {
    arn: String,
    tags: Vec<(String, String)>,
}

/// Whoever knows the tags of resources.
pub trait LendTags: Debug + Send + Sync {
    /// The tags of an account and Region's resources, as they are now.
    fn lend<'a>(&'a self, account: &'a str, region: &'a str) -> BoxFuture<'a, Result<Tags, StoreError>>;
}

impl Tags {
    /// Nothing is tagged.
    pub const NONE: &'static Tags = &Tags { resources: Vec::new() };

    /// Adds a resource; no key comes twice.
    pub fn add(&mut self, arn: String, tags: Vec<(String, String)>) {
        if !tags.is_empty() {
            self.resources.push(Tagged { arn, tags });
        }
    }

    /// The resources that have a tag of that key, each by its ARN and by its id, with the tag's value.
    pub(super) fn with<'a>(&'a self, key: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let valued = self.resources.iter().filter_map(move |resource| {
            let (_, value) = resource.tags.iter().find(|(known, _)| known == key)?;
            Some((resource.arn.as_str(), value.as_str()))
        });
        valued.flat_map(|(arn, value)| {
            let id = arn.rsplit_once('/').map(|(_, id)| id);
            [Some(arn), id].into_iter().flatten().map(move |name| (name, value))
        })
    }
}
