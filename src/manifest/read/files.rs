//! The manifest files of a directory, in a fixed order and within limits.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::manifest::diagnostic::{Code, Diagnostic, Diagnostics, quoted_path};
use crate::manifest::read::regular;
use crate::manifest::source::{Place, SourceFile};

/// The largest file that is read.
const MAX_BYTES: u64 = 1 << 20;

/// The most manifest files that are read.
const MAX_FILES: usize = 10_000;

/// The most that all files may hold together.
const MAX_TOTAL_BYTES: usize = 64 << 20;

/// The most entries that are looked at, manifests or not: a search from `/` ends soon.
const MAX_ENTRIES: usize = 200_000;

/// Reads every manifest below `paths`. A path that is a file is read whatever its name is; in a directory every `*.yaml` and
/// `*.yml` is, at any depth, but for what is hidden. Links to directories are not followed; a link to a file is, if the file
/// is within the directory.
pub fn read_all(paths: &[PathBuf], findings: &mut Diagnostics) -> Vec<Arc<SourceFile>> {
    let mut search = Search { findings, found: Vec::new(), seen: BTreeSet::new(), entries: 0 };
    for path in paths {
        match fs::metadata(path) {
            Ok(kind) if kind.is_dir() => search.directory(path),
            Ok(_) => search.add(path.clone()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                search.report(unreadable(path, &error).help(
                    "name files or directories that exist; `amiable init NAME --env ENV` writes a first manifest",
                ))
            }
            Err(error) => search.report(unreadable(path, &error)),
        }
    }
    let Search { found, .. } = search;
    let mut files = Vec::new();
    let mut total = 0;
    for path in found {
        match read(&path) {
            Ok(file) => {
                total += file.text.len();
                if total > MAX_TOTAL_BYTES {
                    let message = format!("the manifests hold more than {} MiB together", MAX_TOTAL_BYTES >> 20);
                    findings.push(Diagnostic::nowhere(Code::TooMuch, message));
                    break;
                }
                files.push(Arc::new(file));
            }
            Err(finding) => findings.push(*finding),
        }
    }
    files
}

struct Search<'f> {
    findings: &'f mut Diagnostics,
    found: Vec<PathBuf>,
    /// What was found already, with links resolved: nothing is read twice.
    seen: BTreeSet<PathBuf>,
    entries: usize,
}

impl Search<'_> {
    fn report(&mut self, finding: Diagnostic) {
        self.findings.push(finding);
    }

    fn add(&mut self, path: PathBuf) {
        let real = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        if self.seen.insert(real) {
            self.found.push(path);
        }
    }

    /// Everything below `root`, sorted by name in each directory.
    fn directory(&mut self, root: &Path) {
        let real_root = match fs::canonicalize(root) {
            Ok(real) => real,
            Err(error) => return self.report(unreadable(root, &error)),
        };
        let mut waiting = vec![root.to_owned()];
        while let Some(path) = waiting.pop() {
            match fs::symlink_metadata(&path) {
                Ok(kind) if kind.is_dir() || path == root => self.children(&path, &mut waiting),
                Ok(kind) if kind.is_symlink() && is_manifest(&path) => self.link(path, &real_root),
                Ok(kind) if kind.is_file() && is_manifest(&path) => self.add(path),
                Ok(_) => {}
                Err(error) => self.report(unreadable(&path, &error)),
            }
            if self.entries > MAX_ENTRIES || self.found.len() > MAX_FILES {
                let message =
                    format!("{} holds more than {MAX_FILES} manifests or {MAX_ENTRIES} files", quoted_path(root));
                self.report(
                    Diagnostic::nowhere(Code::TooMuch, message).help("name the directory that holds the manifests"),
                );
                return;
            }
        }
    }

    fn children(&mut self, directory: &Path, waiting: &mut Vec<PathBuf>) {
        let listed = fs::read_dir(directory).and_then(|entries| {
            entries.take(MAX_ENTRIES + 1).map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()
        });
        match listed {
            Ok(mut children) => {
                self.entries += children.len();
                children.retain(|child| !is_hidden(child));
                children.sort();
                waiting.extend(children.into_iter().rev());
            }
            Err(error) => self.report(unreadable(directory, &error)),
        }
    }

    fn link(&mut self, path: PathBuf, real_root: &Path) {
        match fs::canonicalize(&path) {
            Ok(real) if !real.starts_with(real_root) => {
                let message = format!("{} is a symbolic link that leads out of the directory", quoted_path(&path));
                self.report(Diagnostic::nowhere(Code::OutsideLink, message).help("put the file itself there"));
            }
            Ok(real) if real.is_file() => self.add(path),
            Ok(_) => {}
            Err(error) => self.report(unreadable(&path, &error)),
        }
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

/// Whether a file is a manifest by its name.
pub(in crate::manifest) fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn read(path: &Path) -> Result<SourceFile, Box<Diagnostic>> {
    let bytes = regular::read(path, MAX_BYTES).map_err(|error| Box::new(unreadable(path, &error)))?;
    if bytes.len() as u64 > MAX_BYTES {
        let message = format!("{} is larger than {} MiB", quoted_path(path), MAX_BYTES >> 20);
        return Err(Box::new(Diagnostic::nowhere(Code::TooMuch, message).help("divide it into several files")));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(SourceFile::new(path, text)),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let start = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
            let file = Arc::new(SourceFile::new(path, start));
            let place = Place::new(&file, valid..valid);
            Err(Box::new(
                Diagnostic::at(Code::NotUtf8, place, "the file is not UTF-8 text from here on")
                    .help("save it as UTF-8"),
            ))
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    let name = quoted_path(path);
    let message = match error.kind() {
        io::ErrorKind::NotFound => format!("{name} does not exist"),
        _ => format!("{name} cannot be read: {error}"),
    };
    Diagnostic::nowhere(Code::Unreadable, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::source::shown;

    fn names(root: &Path) -> (Vec<String>, Vec<&'static str>) {
        let mut findings = Diagnostics::default();
        let files = read_all(&[root.to_owned()], &mut findings);
        let prefix = format!("{}/", shown(root));
        let names = files.iter().map(|file| file.name.replace(&prefix, "")).collect();
        (names, findings.iter().map(|finding| finding.code.as_str()).collect())
    }

    fn put(root: &Path, name: &str, content: &[u8]) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    #[test]
    fn manifests_are_found_at_any_depth_in_order_and_hidden_ones_are_not() {
        let root = tempfile::tempdir().unwrap();
        for name in ["z.yaml", "a/b/c.yml", "a/a.yaml", ".git/x.yaml", ".hidden.yaml", "README.md", "b.yaml"] {
            put(root.path(), name, b"a: 1");
        }
        assert_eq!(
            names(root.path()),
            (["a/a.yaml", "a/b/c.yml", "b.yaml", "z.yaml"].map(String::from).to_vec(), vec![])
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_within_the_directory_only() {
        use std::os::unix::fs::symlink;
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        put(outside.path(), "secret.yaml", b"a: 1");
        put(root.path(), "..data/app.yaml", b"a: 1");
        symlink("..data/app.yaml", root.path().join("app.yaml")).unwrap();
        symlink("..data/app.yaml", root.path().join("again.yaml")).unwrap();
        symlink(outside.path().join("secret.yaml"), root.path().join("out.yaml")).unwrap();
        symlink(outside.path(), root.path().join("directory")).unwrap();
        symlink(".", root.path().join("loop")).unwrap();
        assert_eq!(names(root.path()), (vec!["again.yaml".to_owned()], vec!["outside-link"]));
    }

    #[test]
    fn files_that_are_too_large_or_no_text_are_reported_and_hide_no_other() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "large.yaml", &vec![b'a'; (MAX_BYTES + 1) as usize]);
        put(root.path(), "latin1.yaml", b"a: 1\nb: gr\xfcn\n");
        put(root.path(), "z.yaml", b"a: 1");
        assert_eq!(names(root.path()), (vec!["z.yaml".to_owned()], vec!["too-much", "not-utf8"]));
    }

    #[test]
    fn a_directory_that_does_not_exist_is_an_error() {
        assert_eq!(names(Path::new("/does/not/exist")).1, ["unreadable"]);
    }
}
