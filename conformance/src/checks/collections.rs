//! TAXII 2.1, 5.1 and 5.2: the list of collections and one collection.

use uuid::Uuid;

use crate::exchange::text;
use crate::suite::{Collection, Endpoint, Suite};
use crate::verdict::{Verdict, not_applicable};

checks![
    collections_answer,
    collection_answers_as_listed,
    collections_keep_their_order,
    collections_ascend_by_id,
    collections_cover_all_rights,
    write_only_collection_answers,
    read_write_collection_answers,
    read_only_collection_answers,
    no_rights_collection_answers,
    aliases_are_unique_and_work,
    unknown_collection_is_404,
];

async fn collections_answer(suite: &Suite) -> Verdict {
    suite.get_ok(Endpoint::Collections, &[]).await?.list("collections")?;
    Ok(())
}

async fn collection_answers_as_listed(suite: &Suite) -> Verdict {
    let list = suite.get_ok(Endpoint::Collections, &[]).await?;
    for listed in list.list("collections")?.iter().take(20) {
        let Some(collection) = Collection::of(listed) else {
            return Err(list.fail("/collections", "an entry has no id"));
        };
        let single = suite.get_ok(Endpoint::Collection(&collection.id), &[]).await?;
        for name in ["id", "title", "alias", "can_read", "can_write", "media_types"] {
            if single.resource()?.get(name) != listed.get(name) {
                return Err(single.fail(format!("/{name}"), "differs from the list of collections"));
            }
        }
    }
    Ok(())
}

async fn collections_keep_their_order(suite: &Suite) -> Verdict {
    let mut first: Option<Vec<String>> = None;
    for _ in 0..5 {
        let list = suite.get_ok(Endpoint::Collections, &[]).await?;
        let ids: Vec<String> =
            list.list("collections")?.iter().filter_map(|c| text(c, "id")).map(str::to_owned).collect();
        match &first {
            Some(first) if *first != ids => {
                return Err(list.fail("/collections", "another order than in an earlier answer"));
            }
            Some(_) => {}
            None => first = Some(ids),
        }
    }
    Ok(())
}

async fn collections_ascend_by_id(suite: &Suite) -> Verdict {
    let list = suite.get_ok(Endpoint::Collections, &[]).await?;
    let ids: Vec<&str> = list.list("collections")?.iter().filter_map(|c| text(c, "id")).collect();
    match ids.windows(2).find(|pair| pair[0] > pair[1]) {
        Some(pair) => Err(list.fail("/collections", format!("{} stands before {}", pair[0], pair[1]))),
        None => Ok(()),
    }
}

/// The interoperability set-up has one collection of each kind.
async fn collections_cover_all_rights(suite: &Suite) -> Verdict {
    for (can_read, can_write) in [(true, true), (true, false), (false, true), (false, false)] {
        with_rights(suite, can_read, can_write)?;
    }
    Ok(())
}

async fn write_only_collection_answers(suite: &Suite) -> Verdict {
    answers(suite, false, true).await
}

async fn read_write_collection_answers(suite: &Suite) -> Verdict {
    answers(suite, true, true).await
}

async fn read_only_collection_answers(suite: &Suite) -> Verdict {
    answers(suite, true, false).await
}

async fn no_rights_collection_answers(suite: &Suite) -> Verdict {
    answers(suite, false, false).await
}

async fn answers(suite: &Suite, can_read: bool, can_write: bool) -> Verdict {
    let collection = with_rights(suite, can_read, can_write)?;
    let answer = suite.get_ok(Endpoint::Collection(&collection.id), &[]).await?;
    let flags = Collection::of(answer.resource()?).map(|c| (c.can_read, c.can_write));
    if flags != Some((can_read, can_write)) {
        return Err(answer.fail("/can_read, /can_write", "other rights than in the list of collections"));
    }
    Ok(())
}

fn with_rights(suite: &Suite, can_read: bool, can_write: bool) -> Verdict<&Collection> {
    match suite.collections.iter().find(|c| (c.can_read, c.can_write) == (can_read, can_write)) {
        Some(collection) => Ok(collection),
        None => not_applicable(format!(
            "this account sees no collection with can_read {can_read} and can_write {can_write}"
        )),
    }
}

async fn aliases_are_unique_and_work(suite: &Suite) -> Verdict {
    let list = suite.get_ok(Endpoint::Collections, &[]).await?;
    let mut aliases: Vec<&str> = suite.collections.iter().filter_map(|c| c.alias.as_deref()).collect();
    aliases.sort_unstable();
    if let Some(pair) = aliases.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(list.fail("/collections", format!("the alias {:?} occurs twice", pair[0])));
    }
    let Some(collection) = suite.collections.iter().find(|c| c.alias.is_some()) else {
        return not_applicable("no collection has an alias");
    };
    let alias = collection.alias.as_deref().unwrap_or_default();
    let answer = suite.get_ok(Endpoint::Collection(alias), &[]).await?;
    if text(answer.resource()?, "id") != Some(&collection.id) {
        return Err(answer.fail("/id", format!("expected {}", collection.id)));
    }
    Ok(())
}

async fn unknown_collection_is_404(suite: &Suite) -> Verdict {
    let id = Uuid::new_v4().to_string();
    for at in [Endpoint::Collection(&id), Endpoint::Manifest(&id), Endpoint::Objects(&id)] {
        suite.get(at, &[]).await?.expect(&[404])?;
    }
    Ok(())
}
