//! Which texts are policies, and what AWS says about those that are not.

use super::*;

/// Checks `text` with `'` written for `"`.
#[track_caller]
fn check(kind: PolicyKind, text: &str, want: Result<usize, &str>) {
    let text = text.replace('\'', "\"");
    let got = PolicyDocument::parse(kind, &text);
    let got = got.as_ref().map(|document| document.statements().len()).map_err(ToString::to_string);
    assert_eq!(got, want.map_err(|text| text.replace('\'', "\"")), "{text}");
}

#[track_caller]
fn identity(text: &str, want: Result<usize, &str>) {
    check(PolicyKind::Identity, text, want);
}

/// A policy of one statement with these members.
fn statement(members: &str) -> String {
    format!("{{'Version':'2012-10-17','Statement':[{{{members}}}]}}")
}

const SYNTAX: Result<usize, &str> = Err("Syntax errors in policy.");
const NOT_JSON: Result<usize, &str> = Err("This policy contains invalid Json");

#[test]
fn frame() {
    let body = "'Effect':'Allow','Action':'kms:*','Resource':'*'";
    identity(&statement(body), Ok(1));
    identity(&format!("{{'Statement':{{{body}}}}}"), Ok(1));
    identity(&format!("{{'Version':'2008-10-17','Statement':[{{{body}}},{{{body}}}]}}"), Ok(2));
    identity(
        &format!("{{'Version':'2013-10-17','Statement':[{{{body}}}]}}"),
        Err("The policy must contain a valid version string"),
    );
    identity(
        &format!("{{'Version':2012,'Statement':[{{{body}}}]}}"),
        Err("The policy must contain a valid version string"),
    );
    identity(&format!("{{'Id':'x','Statement':[{{{body}}}]}}"), SYNTAX);
    identity(&format!("{{'Extra':'x','Statement':[{{{body}}}]}}"), SYNTAX);
    identity("{'Version':'2012-10-17','Statement':[]}", SYNTAX);
    identity("{'Version':'2012-10-17'}", SYNTAX);
    identity("{'Statement':'x'}", SYNTAX);
    identity("[]", SYNTAX);
    identity("", NOT_JSON);
    identity("{'Statement':[", NOT_JSON);
    identity(&format!("{{'Statement':[{{{body},'Effect':'Deny'}}]}}"), NOT_JSON);
    identity(&" ".repeat(DOCUMENT_BYTES_MAX + 1), Err("Policy document is longer than 131072 bytes."));
}

#[test]
fn statements() {
    identity(&statement("'Action':'kms:*','Resource':'*'"), Err("Missing required field Effect"));
    identity(&statement("'Effect':'allow','Action':'kms:*','Resource':'*'"), Err("Invalid effect: allow"));
    identity(&statement("'Effect':'Allow','Resource':'*'"), Err("Policy statement must contain actions."));
    identity(
        &statement("'Effect':'Allow','Action':[],'Resource':'*'"),
        Err("Policy statement must contain actions."),
    );
    identity(
        &statement("'Effect':'Allow','Action':'kms:*'"),
        Err("Policy statement must contain resources."),
    );
    identity(&statement("'Effect':'Allow','NotAction':'kms:*','NotResource':'*'"), Ok(1));
    identity(&statement("'Effect':'Allow','Action':'kms:*','NotAction':'kms:*','Resource':'*'"), SYNTAX);
    identity(&statement("'Effect':'Allow','Action':'kms:*','Resource':'*','NotResource':'*'"), SYNTAX);
    identity(&statement("'Effect':'Allow','Action':[1],'Resource':'*'"), SYNTAX);
    identity(&statement("'Effect':'Allow','Action':'kms:*','Resource':'*','Extra':1"), SYNTAX);
    identity(&statement("'Effect':'Allow','Action':'*','Resource':'*'"), Ok(1));
    identity(
        &statement("'Effect':'Allow','Action':'Encrypt','Resource':'*'"),
        Err("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
    );
    identity(
        &statement("'Effect':'Allow','Action':'kms:*','Resource':'key'"),
        Err("Resource key must be in ARN format or '*'."),
    );
    identity(
        &statement("'Effect':'Allow','Principal':'*','Action':'kms:*','Resource':'*'"),
        Err("Policy document should not specify a principal."),
    );
}

#[test]
fn statement_ids() {
    let with = |sids: &[&str]| {
        let one = |sid: &&str| format!("{{'Sid':'{sid}','Effect':'Allow','Action':'a:b','Resource':'*'}}");
        format!("{{'Statement':[{}]}}", sids.iter().map(one).collect::<Vec<_>>().join(","))
    };
    identity(&with(&["A1", "b2", ""]), Ok(3));
    identity(&with(&["", ""]), Ok(2));
    identity(&with(&["A", "A"]), Err("Statement IDs (SID) in a single policy must be unique."));
    identity(
        &with(&["A b"]),
        Err(
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
        ),
    );
    let key = "'Sid':'Enable IAM User Permissions','Effect':'Allow','Principal':'*','Action':'kms:*','Resource':'*'";
    check(PolicyKind::Key, &statement(key), Ok(1));
}

#[test]
fn conditions() {
    let with = |condition: &str| {
        statement(&format!("'Effect':'Allow','Action':'a:b','Resource':'*','Condition':{condition}"))
    };
    identity(&with("{'StringEquals':{'aws:username':['a','b']},'Bool':{'aws:SecureTransport':true}}"), Ok(1));
    identity(&with("{'NumericLessThan':{'kms:RotationPeriodInDays':365}}"), Ok(1));
    identity(&with("{}"), Ok(1));
    identity(&with("{'StringEquals':{}}"), Ok(1));
    identity(&with("{'StringEqual':{'aws:username':'a'}}"), Err("Invalid Condition type : StringEqual."));
    identity(&with("{'StringEquals':'x'}"), SYNTAX);
    identity(&with("{'StringEquals':{'aws:username':{}}}"), SYNTAX);
    identity(&with("{'StringEquals':{'aws:username':null}}"), SYNTAX);
    identity(&with("[]"), SYNTAX);
    identity(
        &with("{'StringEquals':{'username':'a'}}"),
        Err("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
    );
    identity(&with("{'StringEquals':{'a:b':'c','a:b':'d'}}"), NOT_JSON);
}

#[test]
fn key_policies() {
    let key = |members: &str, want| check(PolicyKind::Key, &statement(members), want);
    key(
        "'Effect':'Allow','Principal':{'AWS':'arn:aws:iam::123456789012:root'},'Action':'kms:*','Resource':'*'",
        Ok(1),
    );
    key("'Effect':'Allow','Principal':'*'", Ok(1));
    key("'Effect':'Allow','Action':'kms:*','Resource':'*'", Err("Missing required field Principal"));
    check(
        PolicyKind::Key,
        "{'Version':'2012-10-17','Id':'key-default-1','Statement':{'Effect':'Deny','NotPrincipal':{'AWS':'123456789012'},'Action':'kms:*','Resource':'*'}}",
        Ok(1),
    );
    key("'Effect':'Allow','Principal':'*','NotPrincipal':'*','Action':'kms:*','Resource':'*'", SYNTAX);
}

#[test]
fn resource_policies() {
    let topic = |members: &str, want| check(PolicyKind::Resource, &statement(members), want);
    topic(
        "'Effect':'Allow','Principal':'*','Action':'sns:Publish','Resource':'arn:aws:sns:us-east-1:1:t'",
        Ok(1),
    );
    topic(
        "'Effect':'Allow','Principal':'*','Action':'sns:Publish'",
        Err("Policy statement must contain resources."),
    );
    topic("'Effect':'Allow','Action':'sns:Publish','Resource':'*'", Err("Missing required field Principal"));
}

#[test]
fn trust_policies() {
    let trust = |members: &str, want| check(PolicyKind::Trust, &statement(members), want);
    trust(
        "'Effect':'Allow','Principal':{'Service':'ec2.amazonaws.com'},'Action':['sts:AssumeRole','sts:TagSession']",
        Ok(1),
    );
    trust(
        "'Effect':'Allow','Principal':{'AWS':'*'},'Action':'sts:AssumeRole','Resource':'*'",
        Err("Has prohibited field Resource"),
    );
    trust("'Effect':'Allow','Action':'sts:AssumeRole'", Err("Missing required field Principal"));
    trust("'Effect':'Allow','Principal':'*'", Err("Missing required field Action"));
    trust(
        "'Effect':'Allow','Principal':'*','Action':'kms:Decrypt'",
        Err("AssumeRole policy may only specify STS AssumeRole actions."),
    );
    trust(
        "'Effect':'Allow','Principal':{'AWS':'bob'},'Action':'sts:AssumeRole'",
        Err("Invalid principal in policy: 'AWS':'bob'"),
    );
}

#[test]
fn keeps_the_text_and_measures_it_as_iam_does() {
    let text = "{ \"Statement\" : {\"Effect\":\"Allow\",\n\"Action\":\"kms:é\",\t\"Resource\":\"*\"} }";
    let document = PolicyDocument::parse(PolicyKind::Identity, text).unwrap();
    assert_eq!(&**document.text(), text);
    assert_eq!(document.kind(), PolicyKind::Identity);
    assert_eq!(document.size_without_white_space(), text.len() - 6);
}
