//! The pages of a person, at `/me`, and the sign-in to them.

mod activity;
mod connections;
pub(super) mod forms;
pub(super) mod guard;
pub(super) mod notice;
pub(super) mod query;
mod servers;
pub(super) mod sign_in;
mod sign_ins;
mod tokens;

use actix_web::{middleware::from_fn, web};

use super::{limits, navigation, not_allowed};
use crate::oauth::Endpoint;

/// Registers the sign-in and the pages of people.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource(Endpoint::SignIn.path())
                .route(web::get().to(sign_in::show))
                .route(web::post().to(sign_in::submit))
                .default_service(not_allowed("GET, POST"))
                .wrap(from_fn(navigation::only))
                .wrap(from_fn(guard::if_on))
                .wrap(from_fn(limits::for_browsers(Endpoint::SignIn))),
        )
        .service(
            web::resource(Endpoint::SignOut.path())
                .route(web::post().to(sign_in::sign_out))
                .default_service(not_allowed("POST"))
                .wrap(from_fn(guard::if_on))
                .wrap(from_fn(limits::for_browsers(Endpoint::SignOut))),
        )
        .service(
            web::scope(Endpoint::Account.path())
                .service(page("").get(connections::list))
                .service(page("/servers").get(servers::list))
                .service(page("/tokens").get(tokens::list))
                .service(page("/tokens/new").get(tokens::form).post(tokens::create))
                .service(page("/sign-ins").get(sign_ins::list))
                .service(page("/sign-ins/{id}/end").post(sign_ins::end))
                .service(page("/sign-out-everywhere").get(sign_ins::ask).post(sign_ins::end_all))
                .service(page("/activity").get(activity::list))
                .service(
                    page("/grants/{id}/disconnect").get(connections::ask).post(connections::end),
                )
                .service(
                    page("/disconnect-all").get(connections::ask_all).post(connections::end_all),
                )
                .default_service(web::to(guard::not_found))
                .wrap(from_fn(navigation::only))
                .wrap(from_fn(guard::if_on))
                .wrap(from_fn(limits::for_browsers(Endpoint::Account))),
        );
}

pub(super) use self::guard::page;
