//! The gateway's feed of ended grants, as these tests play it: it never waits.

use std::sync::Mutex;

use serde_json::json;

/// See the module.
#[derive(Default)]
pub(crate) struct Feed(Mutex<State>);

#[derive(Default)]
struct State {
    ended: Vec<String>,
    /// Another after everything was lost.
    generation: u32,
    is_down: bool,
    /// The queries.
    asked: Vec<String>,
}

impl Feed {
    /// Tells of ended grants or access tokens.
    pub(crate) fn end(&self, hashes: &[&str]) {
        self.0.lock().unwrap().ended.extend(hashes.iter().map(|hash| (*hash).to_owned()));
    }

    /// Answers with 500 from now on, or no longer.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.0.lock().unwrap().is_down = is_down;
    }

    /// Forgets everything, positions too.
    pub(crate) fn lose(&self) {
        let mut state = self.0.lock().unwrap();
        state.ended.clear();
        state.generation += 1;
    }

    /// The queries since the last call.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }

    pub(crate) fn answer(&self, query: &str) -> Option<String> {
        let mut state = self.0.lock().unwrap();
        state.asked.push(query.to_owned());
        if state.is_down {
            return None;
        }
        let generation = state.generation.to_string();
        let known = query.strip_prefix("?after=").and_then(|position| position.split_once('-'));
        let known = known.filter(|(of, _)| *of == generation);
        let place = known.map(|(_, place)| place.parse::<usize>().unwrap());
        let news = json!({
            "reset": place.is_none(),
            "ended": state.ended[place.unwrap_or(0)..],
            "after": format!("{generation}-{}", state.ended.len()),
        });
        Some(news.to_string())
    }
}
