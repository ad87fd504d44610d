//! A message on its way to a client.

use bytes::Bytes;

/// A message in up to three pieces, so that a large one is not copied to change its id.
#[derive(Clone, Debug, Default)]
pub struct Payload(pub [Bytes; 3]);

impl Payload {
    /// Returns the length of the message in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    /// Returns `true` if the message is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the message in one piece.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        match &self.0 {
            [one, second, third] if second.is_empty() && third.is_empty() => one.clone(),
            pieces => Bytes::from(pieces.concat()),
        }
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self([bytes, Bytes::new(), Bytes::new()])
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Self::from(Bytes::from(text))
    }
}
