//! A cache of image labels, by the immutable id of the image.

use std::sync::Arc;

use quick_cache::sync::Cache;

use super::operator_labels::{Labels, OperatorLabels};

/// The maximum number of images in the cache.
const IMAGES: usize = 256;

/// The maximum total size of the labels of an image, keys and values together. If an image
/// exceeds it, the labels of its containers are ignored.
const MOST_BYTES: usize = 64 * 1024;

/// A bounded cache. Entries never become stale, because an id always refers to the same labels.
pub(crate) struct ImageLabels(Cache<String, Arc<Labels>>);

impl Default for ImageLabels {
    fn default() -> Self {
        Self(Cache::new(IMAGES))
    }
}

impl ImageLabels {
    /// Returns the labels that the operator set on a container: all of its labels, without those of
    /// its image. `inspect` reads the image if it is not in the cache.
    pub(crate) async fn operators(
        &self,
        container: Labels,
        id: Option<&str>,
        inspect: impl AsyncFnOnce(&str) -> Result<Labels, String>,
    ) -> OperatorLabels {
        if container.is_empty() {
            return OperatorLabels::default();
        }
        match self.of(id, inspect).await {
            Ok(image) => OperatorLabels::of(container, &image),
            Err(why) => OperatorLabels::of_unknown_image(&container, &why),
        }
    }

    async fn of(
        &self,
        id: Option<&str>,
        inspect: impl AsyncFnOnce(&str) -> Result<Labels, String>,
    ) -> Result<Arc<Labels>, String> {
        let id = id.filter(|id| is_digest(id)).ok_or("Docker did not report its digest")?;
        let read = async {
            let labels = inspect(id).await?;
            let bytes: usize = labels.iter().map(|(key, value)| key.len() + value.len()).sum();
            if bytes > MOST_BYTES {
                return Err(format!("its labels have {bytes} bytes, the limit is {MOST_BYTES}"));
            }
            Ok(Arc::new(labels))
        };
        self.0.get_or_insert_async(id, read).await
    }
}

/// Returns `true` if `id` is an image digest: `sha256:` and 64 hexadecimal digits.
fn is_digest(id: &str) -> bool {
    id.strip_prefix("sha256:").is_some_and(|digits| {
        digits.len() == 64 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn id(digit: char) -> String {
        format!("sha256:{}", digit.to_string().repeat(64))
    }

    #[tokio::test]
    async fn s3_an_image_is_inspected_once() {
        let (images, asked) = (ImageLabels::default(), Cell::new(0));
        let image = labels(&[("mcp.enable", "true")]);
        for _ in 0..3 {
            let container = labels(&[("mcp.enable", "true"), ("a", "b")]);
            let inspect = async |_: &str| {
                asked.set(asked.get() + 1);
                Ok(image.clone())
            };
            let counts = images.operators(container, Some(&id('a')), inspect).await;
            assert_eq!(counts.labels, labels(&[("a", "b")]));
        }
        assert_eq!(asked.get(), 1);
    }

    #[tokio::test]
    async fn s3_labels_beside_an_unknown_image_count_for_nothing() {
        let images = ImageLabels::default();
        let container = labels(&[("mcp.enable", "true"), ("a", "b")]);
        let huge = labels(&[("x", &"y".repeat(MOST_BYTES))]);
        for (id, answer) in [
            (Some(id('a')), Err("no such image".to_owned())),
            (Some(id('b')), Ok(huge)),
            (None, Ok(Labels::new())),
            (Some("busybox".to_owned()), Ok(Labels::new())),
            (Some("sha256:../../containers".to_owned()), Ok(Labels::new())),
        ] {
            let inspect = async |_: &str| answer.clone();
            let counts = images.operators(container.clone(), id.as_deref(), inspect).await;
            assert!(counts.labels.is_empty(), "{id:?}");
            assert!(counts.withheld.unwrap().contains("cannot be inspected"), "{id:?}");
        }
        // Failures are not cached.
        let inspect = async |_: &str| Ok(Labels::new());
        let counts = images.operators(container.clone(), Some(&id('a')), inspect).await;
        assert_eq!(counts.labels, container);
    }
}
