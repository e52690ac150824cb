//! `HeadObject`: what `GetObject` answers, without the body.

use keywatch_iam::Call;

use super::answer::{Answer, AnswerBody};
use super::error::S3Error;
use super::get_object;
use super::request::S3Request;

pub(super) async fn head_object(call: &mut Call<'_>, request: &S3Request<'_>) -> Result<Answer, S3Error> {
    let (_, mut answer, range) = get_object::head(call, request).await?;
    answer.body = AnswerBody::Length(range.end - range.start);
    Ok(answer)
}
