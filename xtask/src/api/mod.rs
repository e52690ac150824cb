//! `cargo xtask api`: holds the request shapes of every built operation against AWS's own models, which come with botocore.
//! What differs on purpose stands in `xtask/api-exceptions.txt` with its reason; an entry that matches nothing is an error.

mod compare;
mod exceptions;
mod model;

use std::path::{Path, PathBuf};
use std::process::Command;

use keywatch_api::Service;
use keywatch_server::wire::operation::Operation;

use compare::Difference;
use exceptions::Exceptions;
use model::Model;

const EXCEPTIONS: &str = "xtask/api-exceptions.txt";

/// The services that AWS has a model of and we a table, with botocore's names of them.
const SERVICES: &[(Service, &str)] = &[
    (Service::Kms, "kms"),
    (Service::CloudTrail, "cloudtrail"),
    (Service::CloudWatch, "cloudwatch"),
    (Service::Logs, "logs"),
    (Service::Events, "events"),
    (Service::Sns, "sns"),
    (Service::Sqs, "sqs"),
    (Service::Iam, "iam"),
    (Service::Sts, "sts"),
];

/// Compares all shapes. `models` is botocore's `data` directory; without it, the installed botocore is asked for.
#[expect(clippy::print_stdout, reason = "what was compared is the output")]
pub(crate) fn check(root: &Path, models: Option<&str>) -> Result<(), String> {
    let Some(models) = models.map(PathBuf::from).or_else(|| installed(root)) else {
        println!(
            "skipped: botocore is not installed (`make tools-test` does it), nor was --models DIR given"
        );
        return Ok(());
    };
    let mut exceptions = Exceptions::read(&root.join(EXCEPTIONS))?;
    let mut differences = Vec::new();
    let mut built = 0;
    for (service, name) in SERVICES {
        let model = Model::read(&models, name)?;
        built += compare_service(*service, &model, &mut differences)?;
    }
    let mut open: Vec<String> = differences
        .iter()
        .filter(|difference| !exceptions.covers(difference))
        .map(ToString::to_string)
        .collect();
    let unused = exceptions.unused();
    open.extend(unused.map(|line| format!("{EXCEPTIONS}: nothing differs so any more: {line}")));
    if open.is_empty() {
        println!("{built} operations agree with the models, {} differences excepted", differences.len());
        return Ok(());
    }
    Err(format!("{}\n{} differences in {built} operations", open.join("\n"), open.len()))
}

/// Adds what differs; gives the number of built operations.
fn compare_service(service: Service, model: &Model, found: &mut Vec<Difference>) -> Result<usize, String> {
    let of: Vec<Operation> =
        Operation::all().filter(|operation| operation.info().service == service).collect();
    for name in model.operations() {
        if !of.iter().any(|operation| operation.info().name == name) {
            found.push(Difference::operation(service, name, "is in the model and not in our table"));
        }
    }
    let mut built = 0;
    for operation in of {
        let name = operation.info().name;
        if !model.operations().any(|known| known == name) {
            found.push(Difference::operation(service, name, "is in our table and not in the model"));
            continue;
        }
        let Some(shape) = operation.request_shape() else { continue };
        built += 1;
        compare::request(service, name, &shape, model, found)?;
    }
    Ok(built)
}

/// The `data` directory of botocore in the clients' environment, or of the Python on the path.
fn installed(root: &Path) -> Option<PathBuf> {
    let ask = "import botocore; print(botocore.__path__[0])";
    let clients = root.join("target/clients/bin/python");
    [clients, PathBuf::from("python3")].into_iter().find_map(|python| {
        let answer = Command::new(python).args(["-c", ask]).output().ok()?;
        let path = String::from_utf8(answer.stdout).ok()?;
        answer.status.success().then(|| Path::new(path.trim()).join("data"))
    })
}
