//! Where the file lies: under another name until it is complete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::file_transfer::checksum::{Checksum, Hasher};
use crate::file_transfer::failure::Failure;
use crate::file_transfer::name::FileName;
use crate::file_transfer::protocol::{Offer, VERSION};

/// What is noted beside a part: of which file it is one.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    version: u16,
    size: u64,
    blake2b_512: String,
}

/// The places of one file.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    complete: PathBuf,
    part: PathBuf,
    state: PathBuf,
    size: u64,
    checksum: Checksum,
    overwrite: bool,
}

/// What is there of it.
pub(crate) struct Part {
    /// Open for writing; `None` when the file lies there complete already.
    pub(crate) file: Option<File>,
    pub(crate) path: PathBuf,
    /// How many bytes were there.
    pub(crate) length: u64,
    /// Of all that is there.
    pub(crate) hasher: Hasher,
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part").field("path", &self.path).field("length", &self.length).finish_non_exhaustive()
    }
}

impl Store {
    /// Before anybody is let wait.
    pub(crate) fn check_folder(folder: &Path) -> Result<(), Failure> {
        let metadata = fs::metadata(folder).map_err(Failure::file("use the folder", folder))?;
        if metadata.is_dir() {
            Ok(())
        } else {
            Err(Failure::file("use the folder", folder)(io::ErrorKind::NotADirectory.into()))
        }
    }

    pub(crate) fn new(folder: &Path, name: &FileName, offer: &Offer, overwrite: bool) -> Self {
        Self {
            folder: folder.to_owned(),
            complete: name.complete(folder),
            part: name.part(folder),
            state: name.state(folder),
            size: offer.size,
            checksum: offer.checksum,
            overwrite,
        }
    }

    /// Looks for what is there, and makes ready what is not.
    pub(crate) fn open(&self) -> Result<Part, Failure> {
        if let Some(part) = self.find_complete()? {
            return Ok(part);
        }
        let resumes = self.is_ours();
        if !resumes {
            // First nothing is left of another file, then it is noted of which file the part is one.
            remove(&self.part)?;
            self.note()?;
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&self.part);
        let file = file.map_err(Failure::file("write", &self.part))?;
        let failed = || Failure::file("read", &self.part);
        if file.metadata().map_err(failed())?.len() > self.size {
            file.set_len(self.size).map_err(failed())?;
        }
        let mut hasher = Hasher::default();
        let length = hasher.read(&file, self.size, |_| ()).map_err(failed())?;
        Ok(Part { file: Some(file), path: self.part.clone(), length, hasher })
    }

    /// The file when it is there already: the receiver was perhaps killed before it could say so.
    fn find_complete(&self) -> Result<Option<Part>, Failure> {
        let failed = || Failure::file("read", &self.complete);
        let metadata = match fs::symlink_metadata(&self.complete) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            metadata => metadata.map_err(failed())?,
        };
        if metadata.is_file() && metadata.len() == self.size {
            let mut hasher = Hasher::default();
            let file = File::open(&self.complete).map_err(failed())?;
            let length = hasher.read(file, self.size, |_| ()).map_err(failed())?;
            if (length, hasher.checksum()) == (self.size, self.checksum) {
                return Ok(Some(Part { file: None, path: self.complete.clone(), length, hasher }));
            }
        }
        if self.overwrite && metadata.is_file() { Ok(None) } else { Err(Failure::Exists(self.complete.clone())) }
    }

    fn expected(&self) -> State {
        State { version: VERSION, size: self.size, blake2b_512: self.checksum.to_string() }
    }

    /// Whether the part that is there is one of the file that is offered.
    fn is_ours(&self) -> bool {
        let noted = fs::read(&self.state).ok().and_then(|text| serde_json::from_slice(&text).ok());
        noted == Some(self.expected())
    }

    fn note(&self) -> Result<(), Failure> {
        let write = || {
            let mut file = File::create(&self.state)?;
            file.write_all(&serde_json::to_vec_pretty(&self.expected())?)?;
            file.sync_all()
        };
        write().map_err(Failure::file("write", &self.state))
    }

    /// Compares the checksum, and gives the file its name: only now, and at once.
    pub(crate) fn complete(&self, part: Part) -> Result<(), Failure> {
        let found = part.hasher.checksum();
        if found != self.checksum {
            if part.file.is_some() {
                drop(part.file);
                remove(&self.part)?;
                remove(&self.state)?;
            }
            return Err(Failure::Checksum { expected: self.checksum.into(), found: found.into() });
        }
        let Some(file) = part.file else { return Ok(()) };
        file.sync_all().map_err(Failure::file("write", &self.part))?;
        drop(file);
        // Something may have come there meanwhile.
        if !self.overwrite && fs::symlink_metadata(&self.complete).is_ok() {
            return Err(Failure::Exists(self.complete.clone()));
        }
        fs::rename(&self.part, &self.complete).map_err(Failure::file("give its name to", &self.complete))?;
        remove(&self.state)?;
        self.sync_folder().map_err(Failure::file("write", &self.folder))
    }

    /// Where a folder can be written to the disk like a file, its new entry is.
    fn sync_folder(&self) -> io::Result<()> {
        if cfg!(unix) { File::open(&self.folder)?.sync_all() } else { Ok(()) }
    }
}

fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::file("remove", path)(error)),
        _ => Ok(()),
    }
}
