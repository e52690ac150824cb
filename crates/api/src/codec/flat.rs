//! The query protocol of SQS: lists and maps are flattened into members of other names than the JSON protocol has
//! (`Attribute.1.Name=…`, `SendMessageBatchRequestEntry.1.Id=…`, `<Message>` for each of `Messages`).
//!
//! Source: SQS API reference 2012-11-05, "Making query API requests", and what SDKs of before 2023 send and read.

use serde::Serialize;
use serde_json::{Map, Value};

use super::xml::{self, push_text};
use crate::Fault;

/// The shape's name of a step in a form's member.
pub fn member<'a>(operation: &str, step: &'a str) -> &'a str {
    match step {
        "Attribute" => "Attributes",
        "AttributeName" => "AttributeNames",
        "MessageAttribute" => "MessageAttributes",
        "MessageAttributeName" => "MessageAttributeNames",
        "MessageSystemAttribute" => "MessageSystemAttributes",
        "MessageSystemAttributeName" => "MessageSystemAttributeNames",
        "AWSAccountId" => "AWSAccountIds",
        "ActionName" => "Actions",
        "TagKey" => "TagKeys",
        // The one member whose name begins with a small letter.
        "Tag" if operation == "CreateQueue" => "tags",
        "Tag" => "Tags",
        "SendMessageBatchRequestEntry"
        | "DeleteMessageBatchRequestEntry"
        | "ChangeMessageVisibilityBatchRequestEntry" => "Entries",
        step => step,
    }
}

/// How a list or a map of an answer is written: the element of each member, and for maps the elements of key and value.
fn element(operation: &str, name: &str) -> Option<(String, &'static str, &'static str)> {
    let (tag, key, value) = match name {
        "Messages" => ("Message", "", ""),
        "QueueUrls" | "queueUrls" => ("QueueUrl", "", ""),
        "Failed" => ("BatchResultErrorEntry", "", ""),
        "Results" => ("ListMessageMoveTasksResultEntry", "", ""),
        "Successful" => return Some((format!("{operation}ResultEntry"), "", "")),
        "Attributes" => ("Attribute", "Name", "Value"),
        "MessageAttributes" => ("MessageAttribute", "Name", "Value"),
        "Tags" => ("Tag", "Key", "Value"),
        _ => return None,
    };
    Some((tag.to_owned(), key, value))
}

/// As [`xml::answer`], flattened.
pub fn answer<T: Serialize>(operation: &str, namespace: &str, request_id: &str, response: &T) -> Vec<u8> {
    let value = serde_json::to_value(response).expect("answers have text keys");
    let mut out = format!("<{operation}Response xmlns=\"{namespace}\">");
    if let Value::Object(members) = &value {
        out.push_str(&format!("<{operation}Result>"));
        push_members(&mut out, operation, members);
        out.push_str(&format!("</{operation}Result>"));
    }
    out.push_str("<ResponseMetadata><RequestId>");
    push_text(&mut out, request_id);
    out.push_str(&format!("</RequestId></ResponseMetadata></{operation}Response>"));
    out.into_bytes()
}

/// As [`xml::fault`]; a queue that does not exist has a text of its own here.
pub fn fault(namespace: &str, request_id: &str, fault: &Fault) -> Vec<u8> {
    const DETAIL: &str = "<Detail/>";
    if fault.code != "QueueDoesNotExist" {
        return xml::fault_with(namespace, request_id, fault, DETAIL);
    }
    let text = "The specified queue does not exist for this wsdl version.";
    let fault = Fault { message: Some(text.to_owned()), ..fault.clone() };
    xml::fault_with(namespace, request_id, &fault, DETAIL)
}

fn push_members(out: &mut String, operation: &str, members: &Map<String, Value>) {
    for (name, value) in members {
        match (value, element(operation, name)) {
            (Value::Array(items), Some((tag, _, _))) => {
                for item in items {
                    push_value(out, operation, &tag, item);
                }
            }
            (Value::Object(entries), Some((tag, key_tag, value_tag))) => {
                for (key, value) in entries {
                    out.push_str(&format!("<{tag}><{key_tag}>"));
                    push_text(out, key);
                    out.push_str(&format!("</{key_tag}>"));
                    push_value(out, operation, value_tag, value);
                    out.push_str(&format!("</{tag}>"));
                }
            }
            _ => push_value(out, operation, name, value),
        }
    }
}

fn push_value(out: &mut String, operation: &str, tag: &str, value: &Value) {
    if value.is_null() {
        return;
    }
    out.push_str(&format!("<{tag}>"));
    match value {
        Value::Object(members) => push_members(out, operation, members),
        Value::String(text) => push_text(out, text),
        other => push_text(out, &other.to_string()),
    }
    out.push_str(&format!("</{tag}>"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Protocol, Wire};
    use crate::sqs::{CreateQueueRequest, ReceiveMessageResponse, ReceivedMessage, SendMessageBatchRequest};
    use crate::{Blob, Service};

    fn wire<'a>(operation: &'static str, body: &'a [u8]) -> Wire<'a> {
        Wire { protocol: Protocol::Query, service: Service::Sqs, operation, request_id: "r", body }
    }

    #[test]
    fn forms_are_unflattened() {
        let form = b"Action=CreateQueue&QueueName=q&Attribute.1.Name=DelaySeconds&Attribute.1.Value=5&Tag.1.Key=k&Tag.1.Value=v";
        let request: CreateQueueRequest = wire("CreateQueue", form).decode().unwrap();
        assert_eq!(request.attributes.unwrap()["DelaySeconds"], "5");
        assert_eq!(request.tags.unwrap()["k"], "v");
        let form = b"QueueUrl=u&SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=b&SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=Binary&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.BinaryValue=AgM%3D";
        let request: SendMessageBatchRequest = wire("SendMessageBatch", form).decode().unwrap();
        let attributes = request.entries.into_iter().next().unwrap().message_attributes.unwrap();
        assert_eq!(attributes["n"].binary_value.as_ref().unwrap().0, [2, 3]);
    }

    #[test]
    fn answers_are_flattened() {
        let received = |value: &str| crate::sqs::ReceivedAttribute {
            string_value: None,
            binary_value: Some(Blob(value.into())),
            data_type: "Binary".into(),
        };
        let message = ReceivedMessage {
            message_id: "m".into(),
            receipt_handle: "h".into(),
            md5_of_body: "d".into(),
            body: "a<b".into(),
            attributes: Some([("SenderId".to_owned(), "s".to_owned())].into()),
            md5_of_message_attributes: None,
            message_attributes: Some([("n".to_owned(), received("x"))].into()),
        };
        let answer =
            wire("ReceiveMessage", b"").encode(&ReceiveMessageResponse { messages: Some(vec![message]) });
        let text = String::from_utf8(answer).unwrap();
        assert!(text.contains("<Attribute><Name>SenderId</Name><Value>s</Value></Attribute>"), "{text}");
        assert!(text.contains("<Body>a&lt;b</Body>"), "{text}");
        assert!(text.contains("<MessageAttribute><Name>n</Name><Value><BinaryValue>eA==</BinaryValue><DataType>Binary</DataType></Value></MessageAttribute>"), "{text}");
        let none = wire("ReceiveMessage", b"").encode(&ReceiveMessageResponse { messages: None });
        assert!(String::from_utf8(none).unwrap().contains("<ReceiveMessageResult></ReceiveMessageResult>"));
    }

    #[test]
    fn a_queue_that_does_not_exist() {
        let fault = Fault::new("QueueDoesNotExist", 400, "The specified queue does not exist.")
            .with_query_code("AWS.SimpleQueueService.NonExistentQueue");
        let text = String::from_utf8(wire("SendMessage", b"").encode_fault(&fault)).unwrap();
        assert!(text.contains("<Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>The specified queue does not exist for this wsdl version.</Message><Detail/></Error>"), "{text}");
    }
}
