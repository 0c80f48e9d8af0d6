//! What reactors keep with a peer.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;

/// Values of the user, at most one of each type. Go's peers have a map from texts to anything instead (`Peer.Set`, `Peer.Get`).
///
/// A reactor that defines a type of its own has a place of its own.
///
/// ```
/// use mconn::peer::PeerData;
///
/// #[derive(Debug, PartialEq)]
/// struct Height(u64);
///
/// let mut data = PeerData::default();
/// assert_eq!(data.insert(Height(7)), None);
/// data.get_mut::<Height>().unwrap().0 += 1;
/// assert_eq!(data.remove::<Height>(), Some(Height(8)));
/// ```
#[derive(Default)]
pub struct PeerData(Vec<Box<dyn Any + Send>>);

impl PeerData {
    /// Keeps a value, and gives back the one of its type that was there.
    pub fn insert<T: Any + Send>(&mut self, value: T) -> Option<T> {
        match self.get_mut() {
            Some(place) => Some(core::mem::replace(place, value)),
            None => {
                self.0.push(Box::new(value));
                None
            }
        }
    }

    /// The value of a type.
    #[must_use]
    pub fn get<T: Any + Send>(&self) -> Option<&T> {
        self.0.iter().find_map(|value| value.downcast_ref())
    }

    /// The value of a type, to change it.
    pub fn get_mut<T: Any + Send>(&mut self) -> Option<&mut T> {
        self.0.iter_mut().find_map(|value| value.downcast_mut())
    }

    /// Takes the value of a type away.
    pub fn remove<T: Any + Send>(&mut self) -> Option<T> {
        let position = self.0.iter().position(|value| value.is::<T>())?;
        self.0.swap_remove(position).downcast().ok().map(|value| *value)
    }
}

impl fmt::Debug for PeerData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerData").field("values", &self.0.len()).finish_non_exhaustive()
    }
}
