//! The choice of a language by `Accept-Language` (RFC 9110 §12.5.4).

use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderMap};

use super::texts::Language;

/// The number of languages that are read from a header.
const MOST: usize = 32;

impl Language {
    /// Returns the language that the reader likes best of those that exist, else English.
    pub(in crate::http) fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT_LANGUAGE).filter_map(|line| line.to_str().ok());
        let ranges = lines.flat_map(|line| line.split(',')).take(MOST).filter_map(Range::parse);
        let mut best = (Self::default(), 0);
        for range in ranges {
            // The first of those that are equally liked.
            if range.quality > best.1
                && let Some(language) = range.language()
            {
                best = (language, range.quality);
            }
        }
        best.0
    }
}

/// A language range with its quality in thousandths.
struct Range<'a> {
    tag: &'a str,
    quality: u16,
}

impl<'a> Range<'a> {
    /// Parses a range such as `de-CH;q=0.8`. Returns `None` if its quality is malformed.
    fn parse(text: &'a str) -> Option<Self> {
        let (tag, parameter) = text.split_once(';').unwrap_or((text, "q=1"));
        let quality = parameter.trim();
        let quality = quality.strip_prefix("q=").or_else(|| quality.strip_prefix("Q="))?;
        let quality: f32 = quality.trim().parse().ok()?;
        let in_range = (0.0..=1.0).contains(&quality);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
        in_range.then(|| Self { tag: tag.trim(), quality: (quality * 1000.0).round() as u16 })
    }

    /// Returns the language of the range: that of the tag, else of its beginning (RFC 4647 §3.4).
    fn language(&self) -> Option<Language> {
        let mut tag = self.tag;
        loop {
            if tag == "*" {
                return Some(Language::default());
            }
            let mut all = Language::ALL.iter().copied();
            if let Some(found) = all.find(|one| one.code().eq_ignore_ascii_case(tag)) {
                return Some(found);
            }
            tag = tag.rsplit_once('-')?.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn chosen(header: &'static str) -> &'static str {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(header));
        Language::of(&headers).code()
    }

    #[test]
    fn the_best_liked_language_that_exists_is_chosen() {
        for (header, code) in [
            ("de", "de"),
            ("de-CH", "de"),
            ("DE-at;q=0.9, fr", "de"),
            ("fr, de;q=0.5, en;q=0.7", "en"),
            ("en-GB,en;q=0.9,de;q=0.8", "en"),
            ("de;q=0, en;q=0.1", "en"),
            ("fr, *;q=0.1", "en"),
            ("fr", "en"),
            ("de;q=2", "en"),
            ("de;q=x, ,;;", "en"),
            ("", "en"),
        ] {
            assert_eq!(chosen(header), code, "{header}");
        }
        assert_eq!(Language::of(&HeaderMap::new()).code(), "en");
    }
}
