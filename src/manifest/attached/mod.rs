//! Files that manifests name, such as user data or what Packer wrote: read with the manifests, within their directory and within limits.

pub mod packer;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::manifest::diagnostic::{Code, Diagnostic, quoted, quoted_path};
use crate::manifest::read::node::Node;
use crate::manifest::read::regular;
use crate::manifest::values::{MAX_USER_DATA, user_data_too_long};

/// The largest manifest of Packer's that is read.
const MAX_PACKER: usize = 1 << 20;

/// Where files are that manifests name.
pub(in crate::manifest) enum Attached {
    /// On disk, in these directories and nowhere else.
    Within(Vec<PathBuf>),
    /// In memory, by the paths that they are known by.
    Texts(BTreeMap<PathBuf, String>),
}

impl Attached {
    /// On disk, in the directories that were named, and beside the manifests that were.
    pub(in crate::manifest) fn beside(paths: &[PathBuf]) -> Self {
        let directory = |path: &PathBuf| if path.is_dir() { path.clone() } else { parent(path) };
        Self::Within(paths.iter().filter_map(|path| fs::canonicalize(directory(path)).ok()).collect())
    }

    /// The text of the file that `node` names, relative to the manifest that it stands in.
    pub(in crate::manifest) fn user_data(&self, node: &Node) -> Result<String, Box<Diagnostic>> {
        let (told, bytes) = self.bytes(node, MAX_USER_DATA)?;
        if bytes.len() > MAX_USER_DATA {
            // Of a larger file no more is read than shows that it is too large.
            let (message, help) = user_data_too_long(&told);
            return Err(Box::new(Diagnostic::at(Code::UserDataTooLong, node.spot(), message).help(help)));
        }
        text(node, &told, bytes)
    }

    /// The text of the manifest of Packer's that `node` names, in the same way.
    pub(in crate::manifest) fn packer(&self, node: &Node) -> Result<String, Box<Diagnostic>> {
        let (told, bytes) = self.bytes(node, MAX_PACKER)?;
        if bytes.len() > MAX_PACKER {
            let message = format!("{told} is larger than {} MiB", MAX_PACKER >> 20);
            return Err(Box::new(Diagnostic::at(Code::TooMuch, node.spot(), message)));
        }
        text(node, &told, bytes)
    }

    /// The name of the file that `node` names, for people, and what it holds; of a larger one than `most` a byte more.
    fn bytes(&self, node: &Node, most: usize) -> Result<(String, Vec<u8>), Box<Diagnostic>> {
        let error = |code: Code, message: String| Diagnostic::at(code, node.spot(), message);
        let Some(name) = node.text() else { return Err(Box::new(error(Code::WrongType, "it is no path".to_owned()))) };
        let path = plain(&parent(&node.place.file.path).join(name));
        let told = quoted_path(&path);
        if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            let finding = error(Code::OutsideLink, format!("{} leads out of the manifest's directory", quoted(name)));
            return Err(Box::new(finding.help("name a file beside the manifest or below it, such as `boot.sh`")));
        }
        let missing = || Box::new(error(Code::Unreadable, format!("{told} does not exist")));
        let bytes = match self {
            Attached::Texts(texts) => texts.get(&path).ok_or_else(missing)?.clone().into_bytes(),
            Attached::Within(roots) => {
                let real = fs::canonicalize(&path).map_err(|_| missing())?;
                if !roots.iter().any(|root| real.starts_with(root)) {
                    let message = format!("{told} is a symbolic link that leads out of the directory");
                    return Err(Box::new(error(Code::OutsideLink, message).help("put the file itself there")));
                }
                regular::read(&real, most as u64)
                    .map_err(|why| error(Code::Unreadable, format!("{told} cannot be read: {why}")))?
            }
        };
        Ok((told, bytes))
    }
}

fn text(node: &Node, told: &str, bytes: Vec<u8>) -> Result<String, Box<Diagnostic>> {
    // Where it ends to be text is not told: what stands before may be secret.
    let no_text = |_| Diagnostic::at(Code::NotUtf8, node.spot(), format!("{told} is not UTF-8 text"));
    String::from_utf8(bytes).map_err(no_text).map_err(Box::new)
}

/// A path without its `.`s.
pub(in crate::manifest) fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::fleet;
    use crate::model::launch::Secret;

    const ENVIRONMENT: &str = "apiVersion: amiable/v1\nkind: Environment\nmetadata: {name: prod}\nspec: {region: us-west-2, \
        accountId: \"123456789012\", network: {vpcId: vpc-0a1b2c3d, subnetIds: [subnet-0a1b2c3d, subnet-0a1b2c3e]}, \
        securityGroupIds: [sg-0a1b2c3d]}\n";

    /// The codes of what is wrong with user data by this name, or the user data itself.
    fn loaded(root: &Path, name: &str) -> Result<Option<Secret>, Vec<&'static str>> {
        let app = format!(
            "apiVersion: amiable/v1\nkind: App\nmetadata: {{name: web}}\nspec: {{image: {{id: ami-0a1b2c3d}}, \
             instanceType: c7g.large, launch: {{userDataFile: {name}}}}}\nenvironments: {{prod: {{}}}}\n"
        );
        fs::create_dir_all(root.join("apps")).unwrap();
        fs::write(root.join("apps/web.yaml"), app).unwrap();
        fs::write(root.join("prod.yaml"), ENVIRONMENT).unwrap();
        match fleet::load(&[root.to_owned()]) {
            Ok(fleet) => {
                let one = fleet.effective(&"web".parse().unwrap(), &"prod".parse().unwrap()).unwrap();
                Ok(one.spec.launch.user_data_text.clone())
            }
            Err(findings) => Err(findings.iter().map(|finding| finding.code.as_str()).collect()),
        }
    }

    #[test]
    fn a_file_is_read_beside_its_manifest() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("apps/boot")).unwrap();
        fs::write(root.path().join("apps/boot/web.sh"), "#!/bin/sh\n").unwrap();
        assert_eq!(loaded(root.path(), "boot/web.sh"), Ok(Some(Secret::new("#!/bin/sh\n"))));
        assert_eq!(loaded(root.path(), "./boot/web.sh"), Ok(Some(Secret::new("#!/bin/sh\n"))));
        assert_eq!(loaded(root.path(), "boot/none.sh"), Err(vec!["unreadable"]));
        assert_eq!(loaded(root.path(), "boot"), Err(vec!["unreadable"]));
    }

    #[cfg(unix)]
    #[test]
    fn no_path_and_no_link_leads_out_of_the_directory() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("secret"), "canary").unwrap();
        fs::create_dir_all(root.path().join("apps")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), root.path().join("apps/link.sh")).unwrap();
        std::os::unix::fs::symlink(outside.path(), root.path().join("apps/folder")).unwrap();
        fs::write(root.path().join("inside.sh"), "true").unwrap();
        std::os::unix::fs::symlink("../inside.sh", root.path().join("apps/inside.sh")).unwrap();
        for name in ["link.sh", "folder/secret", "../../etc/passwd", "/etc/passwd"] {
            assert_eq!(loaded(root.path(), name), Err(vec!["outside-link"]), "{name}");
        }
        assert!(loaded(root.path(), "inside.sh").is_ok(), "a link within the directory is fine");
    }

    #[test]
    fn a_file_that_ec2_would_not_take_is_refused_and_not_quoted() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("apps")).unwrap();
        fs::write(root.path().join("apps/long.sh"), "x".repeat(MAX_USER_DATA + 1)).unwrap();
        fs::write(root.path().join("apps/bytes.sh"), b"canary \xff").unwrap();
        assert_eq!(loaded(root.path(), "long.sh"), Err(vec!["user-data-too-long"]));
        assert_eq!(loaded(root.path(), "bytes.sh"), Err(vec!["not-utf8"]));
    }
}
