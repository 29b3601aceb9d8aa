//! TAXII 2.1, 3.4: query parameters that are wrong, repeated or unknown.

use crate::suite::{Endpoint, Query, Suite};
use crate::verdict::Verdict;

checks![
    malformed_parameters_are_400,
    limit_is_a_positive_integer,
    repeated_filter_is_400,
    repeated_added_after_is_400,
    listed_parameters_are_supported,
    query_names_may_be_encoded,
];

async fn malformed_parameters_are_400(suite: &Suite) -> Verdict {
    let collection = suite.readable()?;
    let mut wrong = vec![("limit", "many")];
    for stamp in [
        "yesterday",
        "2024-01-01",
        "2024-13-01T00:00:00.000000Z",
        "2024-02-30T00:00:00.000000Z",
        "2024-01-01T00:00:00.000000Z,2024-01-02T00:00:00.000000Z",
    ] {
        wrong.push(("added_after", stamp));
    }
    wrong.push(("match[version]", "newest"));
    for query in wrong {
        expect_400(suite, &collection.id, &[query]).await?;
    }
    Ok(())
}

async fn limit_is_a_positive_integer(suite: &Suite) -> Verdict {
    let collection = suite.readable()?;
    for limit in ["0", "-1", "1.5", "ten", "0x10"] {
        expect_400(suite, &collection.id, &[("limit", limit)]).await?;
    }
    Ok(())
}

async fn repeated_filter_is_400(suite: &Suite) -> Verdict {
    let collection = suite.readable()?;
    for (name, one, two) in [
        ("match[type]", "indicator", "malware"),
        (
            "match[id]",
            "indicator--91a7b528-80eb-42ed-a74d-c6fbd5a26116",
            "malware--91a7b528-80eb-42ed-a74d-c6fbd5a26117",
        ),
        ("match[version]", "first", "last"),
        ("match[spec_version]", "2.1", "2.0"),
    ] {
        expect_400(suite, &collection.id, &[(name, one), (name, two)]).await?;
    }
    Ok(())
}

async fn repeated_added_after_is_400(suite: &Suite) -> Verdict {
    let collection = suite.readable()?;
    let (one, two) = ("2020-01-01T00:00:00.000000Z", "2021-01-01T00:00:00.000000Z");
    expect_400(suite, &collection.id, &[("added_after", one), ("added_after", two)]).await
}

/// Each parameter at each endpoint whose table names it.
async fn listed_parameters_are_supported(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    let (id, object) = (sample.collection.as_str(), sample.records[0].id.as_str());
    let paging =
        [("added_after", "2020-01-01T00:00:00.000000Z"), ("limit", "5"), ("match[spec_version]", "2.1")];
    let version = ("match[version]", "last");
    let selecting = [("match[id]", object), ("match[type]", "indicator"), version];
    for at in [Endpoint::Manifest(id), Endpoint::Objects(id)] {
        for query in paging.iter().chain(&selecting) {
            suite.get_ok(at, &[*query]).await?;
        }
    }
    for query in paging {
        suite.get_ok(Endpoint::Versions(id, object), &[query]).await?;
    }
    for query in paging.iter().chain(&[version]) {
        suite.get_ok(Endpoint::Object(id, object), &[*query]).await?;
    }
    Ok(())
}

/// `match[id]` and `match%5Bid%5D` are one name; `%2C` is a comma.
async fn query_names_may_be_encoded(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    let encoded = suite.request(Endpoint::Manifest(&sample.collection), &[("match[id]", &sample.ids)]);
    let plain = encoded.clone().at(encoded.url.replace("%5B", "[").replace("%5D", "]"));
    let commas = encoded.clone().at(encoded.url.replace(',', "%2C"));
    let expected = suite.send(encoded).await?;
    expected.expect(&[200])?;
    for request in [plain, commas] {
        let answer = suite.send(request).await?;
        answer.expect(&[200])?;
        if answer.objects()?.len() != expected.objects()?.len() {
            return Err(answer.fail("query", "the same query in another encoding has another answer"));
        }
    }
    Ok(())
}

async fn expect_400(suite: &Suite, collection: &str, query: Query<'_>) -> Verdict {
    for at in [Endpoint::Objects(collection), Endpoint::Manifest(collection)] {
        suite.get(at, query).await?.expect(&[400])?;
    }
    Ok(())
}
