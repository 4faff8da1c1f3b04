//! Looks at the watched folders: which files are there, and which have come to rest.

use crate::commands::with_cause;
use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use watchfire_ingest::{FoundFile, Limits, Listing, Narrowing, list};

/// What tells one state of a file from another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Stamp {
    /// Bytes, as stored.
    pub size: u64,
    /// When it was written: seconds, and nanoseconds.
    pub modified: (i64, i64),
    /// Its inode.
    pub inode: u64,
}

/// The last look, to compare the next with.
#[derive(Default)]
pub struct Looks {
    last: HashMap<String, Stamp>,
    /// What could not be looked at then, with why.
    complaints: HashSet<String>,
    /// The watched paths among it.
    lost: HashSet<PathBuf>,
}

/// What a look saw.
pub struct Look {
    /// Files that were the same in the look before, in the order of a scan.
    pub at_rest: Vec<(FoundFile, String, Stamp)>,
    /// The earliest moment of change of those that were not.
    pub moving: Option<(i64, i64)>,
    /// Sentences about what cannot be looked at, and could be in the look before; and about watched paths that can be again.
    pub complaints: Vec<String>,
}

impl Looks {
    /// Looks.
    pub fn look(&mut self, paths: &[PathBuf], limits: &Limits) -> Look {
        let Listing { files, problems } = list(paths, limits, &Narrowing::default());
        let (mut complaints, mut still, mut lost) = (Vec::new(), HashSet::new(), HashSet::new());
        for problem in problems {
            let sentence = format!("{}: {}", problem.display(), with_cause(&problem.reason));
            if !self.complaints.contains(&sentence) {
                complaints.push(sentence.clone());
            }
            still.insert(sentence);
            if paths.contains(&problem.path) {
                lost.insert(problem.path);
            }
        }
        self.complaints = still;
        for path in paths.iter().filter(|path| self.lost.contains(*path) && !lost.contains(*path)) {
            complaints.push(format!("{}: it can be looked at again", path.display()));
        }
        self.lost = lost;
        let mut now = HashMap::with_capacity(files.len());
        let (mut at_rest, mut moving) = (Vec::new(), None);
        for file in files {
            // One that is gone again will be found where it went.
            let Some(stamp) = stamp(&file) else { continue };
            let name = file.display();
            if self.last.get(&name) == Some(&stamp) {
                at_rest.push((file, name.clone(), stamp.clone()));
            } else {
                moving = moving.into_iter().chain([stamp.modified]).min();
            }
            now.insert(name, stamp);
        }
        self.last = now;
        Look { at_rest, moving, complaints }
    }
}

fn stamp(file: &FoundFile) -> Option<Stamp> {
    let metadata = std::fs::metadata(&file.path).ok().or_else(|| archive_of(&file.path))?;
    Some(Stamp { size: metadata.len(), modified: (metadata.mtime(), metadata.mtime_nsec()), inode: metadata.ino() })
}

/// The archive that `archive!member` is in.
fn archive_of(path: &Path) -> Option<std::fs::Metadata> {
    let text = path.to_str()?;
    let ends = text.match_indices('!').map(|(at, _)| at);
    ends.filter_map(|end| std::fs::metadata(&text[..end]).ok()).find(std::fs::Metadata::is_file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_at_rest_when_two_looks_see_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (path, paths) = (folder.path().join("a.log"), [folder.path().to_owned()]);
        let mut looks = Looks::default();
        let mut look = || looks.look(&paths, &Limits::default()).at_rest.len();
        std::fs::write(&path, "one").unwrap();
        assert_eq!(look(), 0, "seen for the first time");
        std::fs::write(&path, "one and more").unwrap();
        assert_eq!(look(), 0, "it has grown");
        assert_eq!((look(), look()), (1, 1));
    }

    #[test]
    fn a_folder_that_goes_is_told_of_each_time_and_when_it_is_back() {
        let parent = tempfile::tempdir().unwrap();
        let (watched, elsewhere) = (parent.path().join("logs"), parent.path().join("elsewhere"));
        std::fs::create_dir(&watched).unwrap();
        let mut looks = Looks::default();
        let mut look = || looks.look(std::slice::from_ref(&watched), &Limits::default()).complaints;
        assert!(look().is_empty());
        let (gone, back) = (
            vec![format!("{}: there is no such file or folder", watched.display())],
            vec![format!("{}: it can be looked at again", watched.display())],
        );
        for _ in 0..2 {
            std::fs::rename(&watched, &elsewhere).unwrap();
            assert_eq!((look(), look()), (gone.clone(), vec![]));
            std::fs::rename(&elsewhere, &watched).unwrap();
            assert_eq!((look(), look()), (back.clone(), vec![]));
        }
    }

    #[test]
    fn what_the_system_refuses_is_told_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("ring.log");
        std::os::unix::fs::symlink(&link, &link).unwrap();
        let look = Looks::default().look(&[folder.path().to_owned()], &Limits::default());
        assert!(look.complaints[0].contains("could not look at the file: "), "{:?}", look.complaints);
        assert!(look.complaints[0].contains("os error"), "{:?}", look.complaints);
    }
}
