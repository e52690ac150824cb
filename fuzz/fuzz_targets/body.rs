//! Request bodies: the first byte chooses the protocol, the rest is the body of requests with every kind of member. Any body is a
//! request or the caller's fault.
#![no_main]

use keywatch_api::cloudwatch::metrics::PutMetricDataRequest;
use keywatch_api::codec::{Protocol, Wire};
use keywatch_api::kms::ciphers::EncryptRequest;
use keywatch_api::sns::PublishRequest;
use keywatch_api::{Service, WireField};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((choice, body)) = input.split_first() else { return };
    let protocol = [Protocol::Json11, Protocol::Cbor, Protocol::Query][usize::from(choice % 3)];
    let wire = Wire { protocol, service: Service::CloudWatch, operation: "Any", request_id: "r", body };
    read::<PutMetricDataRequest>(&wire);
    read::<EncryptRequest>(&wire);
    read::<PublishRequest>(&wire);
});

fn read<T: WireField>(wire: &Wire<'_>) {
    if let Err(fault) = wire.decode::<T>() {
        assert_eq!(fault.status, 400);
        assert!(["SerializationException", "ValidationException"].contains(&&*fault.code));
        assert!(!wire.encode_fault(&fault).is_empty());
    }
}
