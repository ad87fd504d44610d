//! The pages of administrators, at `/admin`. Nobody else sees that they exist.

mod acts;
mod audit;
mod clients;
mod csv;
mod grants;
mod guard;
mod overview;
mod people;
mod servers;

use actix_web::{middleware::from_fn, web};

use super::{
    account::{
        guard::{if_on, not_found},
        page,
    },
    limits, navigation,
};
use crate::oauth::Endpoint;

/// Registers the pages of administrators.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::scope(Endpoint::Administration.path())
            .service(page("").get(overview::show))
            .service(page("/people").get(people::list))
            .service(page("/people/{subject}").get(people::show))
            .service(page("/people/{subject}/{act}").get(people::ask).post(people::act))
            .service(page("/clients").get(clients::list))
            .service(page("/client").get(clients::show))
            .service(page("/client/{act}").get(clients::ask).post(clients::act))
            .service(page("/grants").get(grants::list))
            .service(page("/grants/{id}/revoke").get(grants::ask).post(grants::revoke))
            .service(page("/servers").get(servers::list))
            .service(page("/servers/{name}").get(servers::show))
            .service(page("/servers/{name}/check").post(servers::check))
            .service(page("/audit").get(audit::list))
            .service(page("/audit.csv").get(audit::as_csv))
            .service(page("/audit.json").get(audit::as_json))
            .default_service(web::to(not_found))
            .wrap(from_fn(navigation::only))
            .wrap(from_fn(if_on))
            .wrap(from_fn(limits::for_browsers(Endpoint::Administration))),
    );
}
