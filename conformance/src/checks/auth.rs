//! TAXII 2.1, 8.2.2 and sections 5.1 to 5.8: who asks.

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use uuid::Uuid;

use crate::client::Request;
use crate::exchange::{Exchange, text};
use crate::options::Auth;
use crate::suite::{Endpoint, Suite};
use crate::verdict::{Verdict, not_applicable};

checks![
    basic_authentication_works,
    missing_credentials_are_challenged,
    wrong_credentials_are_challenged,
    failed_authentication_is_401_or_404,
    client_certificate_authenticates,
];

async fn basic_authentication_works(suite: &Suite) -> Verdict {
    let Auth::Basic { .. } = &suite.options.auth else {
        return not_applicable("run with --auth basic:USER:PASSWORD");
    };
    // A scheme name is case-insensitive (RFC 9110, 11.1); some clients send it in lower case.
    suite.get_ok(Endpoint::Collections, &[]).await?;
    let lower = suite.options.auth.header().unwrap_or_default().replacen("Basic", "basic", 1);
    let request = suite.request(Endpoint::Collections, &[]).header(AUTHORIZATION, &lower);
    suite.send(request).await?.expect(&[200])?;
    Ok(())
}

async fn missing_credentials_are_challenged(suite: &Suite) -> Verdict {
    needs_credentials(suite)?;
    let request = suite.request(Endpoint::Collections, &[]).auth(&Auth::None);
    challenges(&*suite.send(request).await?)
}

async fn wrong_credentials_are_challenged(suite: &Suite) -> Verdict {
    needs_credentials(suite)?;
    for wrong in wrong_credentials(&suite.options.auth) {
        let request = suite.request(Endpoint::Collections, &[]).auth(&wrong);
        challenges(&*suite.send(request).await?)?;
    }
    Ok(())
}

/// All eight operations on collections, with credentials that are wrong and with none.
async fn failed_authentication_is_401_or_404(suite: &Suite) -> Verdict {
    needs_credentials(suite)?;
    let id = suite.collections.first().map_or_else(|| Uuid::new_v4().to_string(), |c| c.id.clone());
    let object = format!("indicator--{}", Uuid::new_v4());
    let at_object = Endpoint::Object(&id, &object);
    // Nobody's name, so that no account is locked by this many failures.
    let nobody = wrong_credentials(&suite.options.auth).pop().unwrap_or_default();
    for auth in [nobody, Auth::None] {
        let requests = [
            suite.request(Endpoint::Collections, &[]),
            suite.request(Endpoint::Collection(&id), &[]),
            suite.request(Endpoint::Manifest(&id), &[]),
            suite.request(Endpoint::Objects(&id), &[]),
            suite.add_request(&id, b"{}".to_vec()),
            suite.request(at_object, &[]),
            Request::new(Method::DELETE, suite.url(at_object)),
            suite.request(Endpoint::Versions(&id, &object), &[]),
        ];
        for request in requests {
            suite.send(request.auth(&auth)).await?.expect(&[401, 404])?;
        }
    }
    Ok(())
}

async fn client_certificate_authenticates(_: &Suite) -> Verdict {
    not_applicable("this suite holds no client certificate")
}

fn needs_credentials(suite: &Suite) -> Verdict {
    match suite.options.auth {
        Auth::None => not_applicable("run with --auth to test refusals"),
        _ => Ok(()),
    }
}

/// Credentials of the same scheme that nobody has.
fn wrong_credentials(right: &Auth) -> Vec<Auth> {
    let nonsense = Uuid::new_v4().to_string();
    match right {
        Auth::None => Vec::new(),
        Auth::Basic { user, .. } => vec![
            Auth::Basic { user: user.clone(), password: nonsense.clone() },
            Auth::Basic { user: nonsense.clone(), password: nonsense },
        ],
        Auth::Bearer(_) => vec![Auth::Bearer(nonsense)],
        Auth::Token(_) => vec![Auth::Token(nonsense)],
    }
}

/// 401, at least one challenge, and an error resource as the body.
fn challenges(answer: &Exchange) -> Verdict {
    answer.expect(&[401])?;
    if answer.header(WWW_AUTHENTICATE.as_str()).is_none_or(str::is_empty) {
        return Err(answer.fail("WWW-Authenticate", "a 401 names at least one challenge"));
    }
    match text(answer.resource()?, "title") {
        Some(_) => Ok(()),
        None => Err(answer.fail("/title", "the body is not an error resource")),
    }
}
