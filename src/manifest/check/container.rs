//! The container: what goes with it, what it needs, and whether it fits into user data.

use super::Subject;
use crate::manifest::diagnostic::{Code, Diagnostics, quoted};
use crate::manifest::values::MAX_USER_DATA;
use crate::model::spec::LoadBalancer;

pub(super) fn container(subject: &Subject<'_>, findings: &mut Diagnostics) {
    let Some(container) = &subject.spec.container else { return };
    let launch = &subject.spec.launch;
    for (field, given) in [("userData", launch.user_data.is_some()), ("userDataFile", launch.user_data_file.is_some())]
    {
        if given {
            let message =
                format!("`container` and `launch.{field}` do not go together: user data starts the container");
            let finding = subject.error(Code::Contradiction, &["launch", field], message);
            findings.push(
                finding
                    .related(subject.tree.nearest(&["container"]), "the container")
                    .help("put what the script does into the machine image or into the container's image"),
            );
        }
    }
    let is_worker = subject.spec.load_balancer == LoadBalancer::None;
    if is_worker && container.port.is_some() {
        let message = "`container.port` has no effect: nobody asks a worker".to_owned();
        findings.push(subject.error(Code::UnusedField, &["container", "port"], message).help("remove it").warning());
    }
    for name in container.env.keys().filter(|name| !is_variable(name)) {
        let path = ["container", "env", name.as_str()];
        let message = format!("{} is not the name of an environment variable", quoted(name));
        findings.push(subject.error(Code::BadFormat, &path, message).help("letters, digits and `_`, no digit first"));
    }
    let Some(data) = subject.spec.container() else { return };
    if data.ecr().is_some() && launch.iam_instance_profile.is_none() {
        let message = "the image is in a private registry of ECR, and the instances have no role to pull it".to_owned();
        let help = "add `launch.iamInstanceProfile`, with `AmazonEC2ContainerRegistryPullOnly` for its role";
        findings.push(subject.error(Code::Contradiction, &["container", "image"], message).help(help));
    }
    let size = data.script().reveal().len();
    if size > MAX_USER_DATA {
        let message =
            format!("the container's settings make {size} bytes of user data, and EC2 takes {MAX_USER_DATA} at most");
        let help = "have the app read large settings from SSM, Secrets Manager or S3 with the instance profile";
        findings.push(subject.error(Code::UserDataTooLong, &["container", "env"], message).help(help));
    }
}

fn is_variable(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=128).contains(&name.len()) && name.bytes().all(plain) && !name.as_bytes()[0].is_ascii_digit()
}
