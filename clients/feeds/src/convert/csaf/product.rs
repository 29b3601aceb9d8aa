//! The products of a document: leaves of a tree of vendors, products and versions.

use crate::convert::document::Made;
use crate::convert::vulnerability::{software, text};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};
use stix_model::{Object, ToObject};

#[derive(Default)]
pub(super) struct Products<'d> {
    vendors: BTreeSet<&'d str>,
    by_id: BTreeMap<&'d str, Product<'d>>,
}

struct Product<'d> {
    software: Object,
    name: &'d str,
    helper: Option<&'d Json>,
    /// Bytes of the name and the helper.
    length: usize,
}

/// The names on the way to a leaf.
#[derive(Clone, Copy, Default)]
struct Branch<'d> {
    vendor: &'d str,
    product: &'d str,
    version: &'d str,
}

impl<'d> Products<'d> {
    /// Those of a document; what is no valid product is told in a note.
    pub(super) fn of(record: &'d Map<String, Json>, made: &mut Made) -> Self {
        let mut products = Self::default();
        let tree = record.get("product_tree").and_then(Json::as_object);
        let list =
            |name: &str| tree.and_then(|tree| tree.get(name)).and_then(Json::as_array).into_iter().flatten();
        list("branches").for_each(|branch| products.branch(branch, Branch::default(), made));
        list("full_product_names").for_each(|product| products.product(product, Branch::default(), made));
        let combined = list("relationships").filter_map(|relationship| relationship.get("full_product_name"));
        combined.for_each(|product| products.product(product, Branch::default(), made));
        products
    }

    /// The reader of JSON takes no tree that is too deep for this.
    fn branch(&mut self, branch: &'d Json, mut path: Branch<'d>, made: &mut Made) {
        let Some(branch) = branch.as_object() else { return };
        let name = text(branch, "name");
        match text(branch, "category") {
            "vendor" => path.vendor = name,
            "product_name" => path.product = name,
            "product_version" => path.version = name,
            _ => {}
        }
        if path.vendor == name && !name.is_empty() {
            self.vendors.insert(name);
        }
        if let Some(product) = branch.get("product") {
            self.product(product, path, made);
        }
        let branches = branch.get("branches").and_then(Json::as_array).into_iter().flatten();
        branches.for_each(|branch| self.branch(branch, path, made));
    }

    fn product(&mut self, product: &'d Json, path: Branch<'d>, made: &mut Made) {
        let Some(product) = product.as_object() else { return };
        let (id, full) = (text(product, "product_id"), text(product, "name"));
        let helper = product.get("product_identification_helper");
        // A range of versions is no version; then the full name tells it.
        let name = if path.version.is_empty() || path.product.is_empty() { full } else { path.product };
        let Some(mut software) = software(name, path.vendor) else {
            return made.note(format!("product `{id}` has no name and was left out"));
        };
        if !path.version.is_empty() {
            software = software.version(path.version);
        }
        let cpe = helper.and_then(|helper| helper.get("cpe")?.as_str());
        let with_cpe =
            cpe.filter(|cpe| cpe.starts_with("cpe:2.3:")).map(|cpe| software.clone().cpe(cpe).to_object());
        if cpe.is_some() && !matches!(with_cpe, Some(Ok(_))) {
            made.note(format!(
                "product `{id}`: its CPE is no name of version 2.3 and is among the facts only"
            ));
        }
        match with_cpe.and_then(Result::ok).map_or_else(|| software.to_object(), Ok) {
            Ok(software) => {
                let length = full.len() + helper.map_or(0, |helper| helper.to_string().len());
                self.by_id.insert(id, Product { software, name: full, helper, length });
            }
            Err(error) => made.note(format!("product `{id}` was left out: {error}")),
        }
    }

    pub(super) fn vendors(&self) -> impl Iterator<Item = &'d str> {
        self.vendors.iter().copied()
    }

    pub(super) fn software(&self) -> impl Iterator<Item = &Object> {
        self.by_id.values().map(|product| &product.software)
    }

    pub(super) fn get(&self, id: &str) -> Option<&Object> {
        self.by_id.get(id).map(|product| &product.software)
    }

    /// What the identifiers stand for that a vulnerability uses, in as many bytes; and how many of them took too many.
    pub(super) fn told<'i>(
        &self,
        ids: impl IntoIterator<Item = &'i str>,
        mut budget: usize,
    ) -> (Json, usize) {
        let ids: BTreeSet<&str> = ids.into_iter().collect();
        let (mut told, mut left_out) = (Map::new(), 0);
        for (id, product) in ids.into_iter().filter_map(|id| Some((id, self.by_id.get(id)?))) {
            if product.length > budget {
                left_out += 1;
                continue;
            }
            budget -= product.length;
            let mut members = Map::from_iter([("name".to_owned(), Json::from(product.name))]);
            if let Some(helper) = product.helper {
                members.insert("product_identification_helper".to_owned(), helper.clone());
            }
            told.insert(id.to_owned(), Json::Object(members));
        }
        (Json::Object(told), left_out)
    }
}
