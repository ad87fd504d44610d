//! The kinds of records that can be revoked, and what each belongs to.

use super::{
    generations::{Affiliation, Revocable},
    login_codes::LoginCodeRecord,
};
use crate::model::{
    AnswerRecord, CodeRecord, ConsentRecord, DeviceDecision, DeviceRecord, Generation, Grant,
    SessionRecord, UnixTime,
};

impl Revocable for SessionRecord {
    fn affiliation(&self) -> Affiliation<'_> {
        Affiliation::of_user(&self.user)
    }

    fn generation(&self) -> Generation {
        self.generation
    }
}

impl Revocable for LoginCodeRecord {
    fn affiliation(&self) -> Affiliation<'_> {
        Affiliation::of_user(&self.user)
    }

    fn generation(&self) -> Generation {
        self.generation
    }
}

impl Revocable for ConsentRecord {
    fn affiliation(&self) -> Affiliation<'_> {
        let resources = self.resource.as_slice();
        Affiliation { user: Some(&self.user), client: Some(&self.client_id), resources }
    }

    fn generation(&self) -> Generation {
        self.generation
    }
}

impl Revocable for AnswerRecord {
    fn affiliation(&self) -> Affiliation<'_> {
        Affiliation::of_request(Some(&self.user), &self.request)
    }

    fn generation(&self) -> Generation {
        self.generation
    }
}

impl Revocable for DeviceRecord {
    fn affiliation(&self) -> Affiliation<'_> {
        Affiliation::of_request(None, &self.request)
    }

    fn generation(&self) -> Generation {
        self.generation
    }
}

impl Revocable for DeviceDecision {
    fn affiliation(&self) -> Affiliation<'_> {
        let user = self.user.as_ref();
        match &self.request {
            Some(request) => Affiliation::of_request(user, request),
            None => Affiliation { user, ..Affiliation::default() },
        }
    }

    fn generation(&self) -> Generation {
        self.generation
    }
}

impl Revocable for CodeRecord {
    fn affiliation(&self) -> Affiliation<'_> {
        Affiliation::of_request(Some(&self.user), &self.request)
    }

    fn generation(&self) -> Generation {
        Generation::of_grant(&self.grant)
    }
}

impl Revocable for Grant {
    fn affiliation(&self) -> Affiliation<'_> {
        Affiliation {
            user: Some(&self.user),
            client: Some(&self.client_id),
            resources: &self.resources,
        }
    }

    fn generation(&self) -> Generation {
        Generation::of_grant(&self.id)
    }

    fn created_at(&self) -> Option<UnixTime> {
        Some(self.created_at)
    }
}
