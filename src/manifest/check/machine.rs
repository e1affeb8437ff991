//! The machine: instance types, volumes, and whose instance profile it is.

use super::{Subject, foreign};
use crate::manifest::diagnostic::{Code, Diagnostic, Diagnostics, quoted};
use crate::manifest::init::PLACEHOLDER_IMAGE;
use crate::manifest::read::node::Node;
use crate::manifest::values::arn::Arn;
use crate::model::names::Scope;
use crate::model::spec::{BlockDevice, ImageSource, VolumeType};

pub(super) fn machine(subject: &Subject<'_>, findings: &mut Diagnostics) {
    user_data(subject, findings);
    profile(subject, findings);
    volumes(subject, findings);
    credits(subject, findings);
    placeholder(subject, findings);
}

/// CPU credits are for burstable instances. <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances.html>
fn credits(subject: &Subject<'_>, findings: &mut Diagnostics) {
    let spec = subject.spec;
    let mut types = spec.instance_type.iter().chain(&spec.instance_types);
    let steady = types.find(|name| !BURSTABLE.iter().any(|family| name.split('.').next() == Some(family)));
    if let (Some(_), Some(steady)) = (spec.launch.cpu_credits, steady) {
        let message = format!("{} has no CPU credits", quoted(steady));
        let finding = subject.error(Code::Contradiction, &["launch", "cpuCredits"], message);
        findings.push(finding.help(format!("remove `cpuCredits`, or use a type of {}", BURSTABLE.join(", "))));
    }
}

/// The families of instance types that have CPU credits.
const BURSTABLE: [&str; 4] = ["t2", "t3", "t3a", "t4g"];

/// What `amiable init` writes where nobody said better, and nobody has put right.
fn placeholder(subject: &Subject<'_>, findings: &mut Diagnostics) {
    if matches!(&subject.spec.image.source, ImageSource::Id(id) if id == PLACEHOLDER_IMAGE) {
        let message = format!("the image {} stands where one has to be filled in", quoted(PLACEHOLDER_IMAGE));
        let finding = subject.error(Code::Placeholder, &["image", "id"], message);
        findings.push(finding.help(format!("`amiable image set {} ami-…` writes one", subject.scope.app)).warning());
    }
}

/// One type, or several: said of the tree, so that it is found together with whatever else is missing.
pub(in crate::manifest) fn types(scope: &Scope, tree: &Node, findings: &mut Diagnostics) {
    let (one, several) = (tree.get("instanceType"), tree.get("instanceTypes"));
    match (one, several.filter(|types| !types.items().is_empty())) {
        (None, None) => {
            let message = "`instanceType` is missing";
            let finding = Diagnostic::at(Code::MissingField, tree.spot(), message)
                .label(format!("for `{}` in `{}`", scope.app, scope.environment))
                .help("The EC2 instance type, such as `c7g.large`; either this or `instanceTypes`");
            findings.push(finding);
        }
        (Some(one), Some(several)) => {
            let message = "`instanceType` and `instanceTypes` do not go together";
            let finding = Diagnostic::at(Code::ConflictingField, several.spot(), message)
                .related(one.spot(), "the one type")
                .help("keep one of them; where another layer sets the other, write `null` for it");
            findings.push(finding);
        }
        _ => {}
    }
}

/// User data stands in the manifest, or in a file.
fn user_data(subject: &Subject<'_>, findings: &mut Diagnostics) {
    let launch = &subject.spec.launch;
    if launch.user_data.is_some() && launch.user_data_file.is_some() {
        let path = ["launch", "userDataFile"];
        let message = "`launch.userData` and `launch.userDataFile` do not go together".to_owned();
        let finding = subject.error(Code::ConflictingField, &path, message);
        findings.push(
            finding
                .related(subject.tree.nearest(&["launch", "userData"]), "the other one")
                .help("keep one of them; where another layer sets the other, write `null` for it"),
        );
    }
}

fn profile(subject: &Subject<'_>, findings: &mut Diagnostics) {
    let profile = subject.spec.launch.iam_instance_profile.as_deref();
    if let Some(arn) = profile.and_then(Arn::parse)
        && let Some(why) = foreign(&arn, subject.environment.spec)
    {
        let path = ["launch", "iamInstanceProfile"];
        findings.push(subject.error(Code::WrongAccount, &path, format!("the instance profile {why}")));
    }
}

fn volumes(subject: &Subject<'_>, findings: &mut Diagnostics) {
    let launch = &subject.spec.launch;
    let path = ["launch", "blockDevices"];
    let roots = launch.block_devices.iter().filter(|device| device.root).count();
    if roots > 0 && launch.root_volume_size.is_some() {
        let message = "the root volume is described twice: by `rootVolumeSize` and in `blockDevices`".to_owned();
        let finding = subject
            .error(Code::Contradiction, &["launch", "rootVolumeSize"], message)
            .related(subject.tree.nearest(&path), "the other one")
            .help("write its `size` in `blockDevices`, and remove `rootVolumeSize`");
        findings.push(finding);
    }
    if roots > 1 {
        let message = format!("`launch.blockDevices` has {roots} root volumes");
        findings.push(subject.error(Code::Duplicate, &path, message).help("keep one entry with `root: true`"));
    }
    for (index, device) in launch.block_devices.iter().enumerate() {
        let earlier = launch.block_devices.iter().take(index);
        if device.device.is_some() && earlier.clone().any(|earlier| earlier.device == device.device) {
            let name = quoted(device.device.as_deref().unwrap_or_default());
            let finding = subject.error(Code::Duplicate, &path, format!("two volumes have the device {name}"));
            findings.push(finding.help("give one of them another device"));
        }
        if let Some((message, help)) = fault(device) {
            let finding = subject.error(Code::Contradiction, &path, format!("{} {message}", called(device)));
            findings.push(finding.help(help));
        }
    }
}

fn called(device: &BlockDevice) -> String {
    match &device.device {
        Some(name) => format!("the volume {}", quoted(name)),
        None if device.root => "the root volume".to_owned(),
        None => "a volume of `launch.blockDevices`".to_owned(),
    }
}

/// What EC2 would refuse of one volume, and the remedy.
fn fault(volume: &BlockDevice) -> Option<(String, &'static str)> {
    use VolumeType::{Gp3, Io1, Io2, Sc1, St1};
    let kind = volume.kind.as_str();
    let told = |message: String, help| Some((message, help));
    match (&volume.device, volume.root) {
        (None, false) => return told("has no device".to_owned(), "add `device: /dev/sdb`, or `root: true`"),
        (Some(_), true) => {
            return told("is the root volume and names a device".to_owned(), "the image tells it: remove `device`");
        }
        _ => {}
    }
    if !volume.root && volume.size.is_none() && volume.snapshot_id.is_none() {
        return told("has neither size nor snapshot".to_owned(), "add `size`, in GiB, or `snapshotId`");
    }
    if volume.root && volume.snapshot_id.is_some() {
        return told("has a snapshot".to_owned(), "the root volume is the image's: use another image");
    }
    if volume.root && matches!(volume.kind, St1 | Sc1) {
        return told(format!("has the type {kind}"), "no instance boots from it: use `gp3`");
    }
    if volume.kms_key_id.is_some() && !volume.encrypted {
        return told("has a KMS key and is not encrypted".to_owned(), "remove `kmsKeyId`, or `encrypted: false`");
    }
    if volume.throughput.is_some() && volume.kind != Gp3 {
        return told(format!("has the type {kind} and a throughput"), "only `gp3` takes `throughput`");
    }
    let sizes = match volume.kind {
        Gp3 => 1..=65_536,
        VolumeType::Gp2 => 1..=16_384,
        Io1 => 4..=16_384,
        Io2 => 4..=65_536,
        St1 | Sc1 => 125..=16_384,
    };
    if volume.size.is_some_and(|size| !sizes.contains(&size)) {
        return told(
            format!("has the type {kind} and a size outside of {} to {} GiB", sizes.start(), sizes.end()),
            "change `size` or `type`",
        );
    }
    let range = match volume.kind {
        Gp3 => 3_000..=80_000,
        Io1 => 100..=64_000,
        Io2 => 100..=256_000,
        _ if volume.iops.is_some() => return told(format!("has the type {kind} and iops"), "remove `iops`"),
        _ => return None,
    };
    match volume.iops {
        None if volume.kind != Gp3 => told(format!("has the type {kind} and no iops"), "add `iops`, or use `gp3`"),
        Some(iops) if !range.contains(&iops) => {
            told(format!("has iops outside of {} to {} for {kind}", range.start(), range.end()), "change `iops`")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(yaml: &str) -> Option<String> {
        fault(&serde_saphyr::from_str(yaml).unwrap()).map(|(message, _)| message)
    }

    #[test]
    fn volumes_that_ec2_would_refuse_are_refused_offline() {
        for fine in [
            "{root: true}",
            "{root: true, size: 40}",
            "{device: /dev/sdb, size: 100}",
            "{device: /dev/sdb, snapshotId: snap-01234567}",
            "{device: /dev/sdb, size: 100, type: io2, iops: 1000}",
            "{device: /dev/sdb, size: 100, iops: 4000, throughput: 500}",
            "{device: /dev/sdb, size: 500, type: st1}",
        ] {
            assert_eq!(volume(fine), None, "{fine}");
        }
        for (wrong, says) in [
            ("{size: 1}", "has no device"),
            ("{root: true, device: /dev/sda1}", "names a device"),
            ("{device: /dev/sdb}", "neither size nor snapshot"),
            ("{root: true, snapshotId: snap-01234567}", "has a snapshot"),
            ("{root: true, size: 200, type: st1}", "type st1"),
            ("{device: /dev/sdb, size: 1, encrypted: false, kmsKeyId: alias/x}", "not encrypted"),
            ("{device: /dev/sdb, size: 10, type: gp2, throughput: 200}", "a throughput"),
            ("{device: /dev/sdb, size: 10, type: st1}", "outside of 125 to 16384 GiB"),
            ("{device: /dev/sdb, size: 10, type: gp2, iops: 200}", "and iops"),
            ("{device: /dev/sdb, size: 10, type: io1}", "no iops"),
            ("{device: /dev/sdb, size: 10, iops: 200}", "outside of 3000 to 80000"),
        ] {
            assert!(volume(wrong).is_some_and(|said| said.contains(says)), "{wrong}: {:?}", volume(wrong));
        }
    }
}
