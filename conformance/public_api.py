#!/usr/bin/env python3
"""Compares the public items of the published libraries with the lists in their `api.txt`.

A change of what others compile against is then seen in review, like any other change. `--update` writes the lists. The items
come from rustdoc, with the features that the documentation is built with.
"""

import argparse
import difflib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FEATURES = "concord-consensus/raft,concord-stix-model/std"
LIBRARIES = {"stix_model": "stix-model", "taxii_client": "clients/rust", "taxii_server": "taxii-server"}
# The output as JSON is for tools of the toolchain's own version, so rustdoc wants to be asked twice.
RUSTDOC = '#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc "$@"\n'


def documented():
    """What rustdoc says of each library."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    with tempfile.TemporaryDirectory() as folder:
        rustdoc = pathlib.Path(folder, "rustdoc")
        rustdoc.write_text(RUSTDOC)
        rustdoc.chmod(0o755)
        flags = "-Z unstable-options --output-format json"
        command = ["cargo", "doc", "--workspace", "--no-deps", "--lib", "--features", FEATURES, "--locked"]
        environment = {**os.environ, "RUSTDOC": str(rustdoc), "RUSTDOCFLAGS": flags}
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return {name: json.loads((target / "doc" / f"{name}.json").read_text()) for name in LIBRARIES}


def of_type(kind):
    """A type as it is written in Rust."""
    if kind is None:
        return "_"
    [(name, of)] = kind.items() if isinstance(kind, dict) else [(kind, None)]
    match name:
        case "primitive" | "generic":
            return of
        case "resolved_path":
            return of["path"] + of_arguments(of.get("args"))
        case "tuple":
            return f"({', '.join(map(of_type, of))})"
        case "slice":
            return f"[{of_type(of)}]"
        case "array":
            return f"[{of_type(of['type'])}; {of['len']}]"
        case "borrowed_ref":
            lifetime = f"{of['lifetime']} " if of["lifetime"] else ""
            return f"&{lifetime}{'mut ' if of['is_mutable'] else ''}{of_type(of['type'])}"
        case "impl_trait":
            return f"impl {of_bounds(of)}"
        case "dyn_trait":
            traits = [each["trait"]["path"] + of_arguments(each["trait"].get("args")) for each in of["traits"]]
            return " + ".join([f"dyn {traits[0]}", *traits[1:], *filter(None, [of["lifetime"]])])
        case "qualified_path":
            trait = f" as {of['trait']['path']}" if of["trait"] and of["trait"]["path"] else ""
            return f"<{of_type(of['self_type'])}{trait}>::{of['name']}{of_arguments(of.get('args'))}"
        case "function_pointer":
            return f"fn{of_signature(of['sig'])}"
        case _:
            return json.dumps(kind, sort_keys=True)


def of_arguments(arguments):
    if not arguments or isinstance(arguments, str):
        return ""
    if "parenthesized" in arguments:
        inside = arguments["parenthesized"]
        output = f" -> {of_type(inside['output'])}" if inside["output"] else ""
        return f"({', '.join(map(of_type, inside['inputs']))}){output}"
    written = []
    for argument in arguments["angle_bracketed"]["args"]:
        [(kind, of)] = argument.items() if isinstance(argument, dict) else [(argument, "_")]
        written.append(of_type(of) if kind == "type" else of if isinstance(of, str) else of.get("expr", "_"))
    for constraint in arguments["angle_bracketed"]["constraints"]:
        binding = constraint["binding"]
        equal = f" = {of_type(binding['equality'].get('type'))}" if "equality" in binding else ""
        bounds = f": {of_bounds(binding['constraint'])}" if "constraint" in binding else ""
        written.append(f"{constraint['name']}{equal}{bounds}")
    return f"<{', '.join(written)}>" if written else ""


def of_bounds(bounds):
    written = []
    for bound in bounds:
        if "trait_bound" in bound:
            trait = bound["trait_bound"]["trait"]
            maybe = "?" if bound["trait_bound"]["modifier"] == "maybe" else ""
            written.append(maybe + trait["path"] + of_arguments(trait.get("args")))
        elif "outlives" in bound:
            written.append(bound["outlives"])
    return " + ".join(written)


def of_generics(generics):
    """The parameters and their bounds; `impl Trait` stands where it is used."""
    written = []
    for parameter in generics["params"]:
        [(kind, of)] = parameter["kind"].items()
        if kind == "type" and of["is_synthetic"]:
            continue
        bounds = of_bounds(of["bounds"]) if kind == "type" else ""
        constant = "const " if kind == "const" else ""
        written.append(constant + parameter["name"] + (f": {bounds}" if bounds else ""))
    where = []
    for predicate in generics["where_predicates"]:
        if "bound_predicate" in predicate:
            of = predicate["bound_predicate"]
            where.append(f"{of_type(of['type'])}: {of_bounds(of['bounds'])}")
    return (f"<{', '.join(written)}>" if written else "", f" where {', '.join(where)}" if where else "")


def of_signature(signature):
    inputs = ", ".join(f"{name}: {of_type(kind)}" for name, kind in signature["inputs"])
    output = f" -> {of_type(signature['output'])}" if signature["output"] else ""
    return f"({inputs}){output}"


class Library:
    """The public items of a library, one on each line."""

    def __init__(self, documentation):
        self.index = documentation["index"]
        self.root = documentation["root"]
        self.lines = set()
        # Where each type and trait is found first; other paths to it are named beside that one.
        self.paths = {}
        self.modules = set()

    def item(self, number):
        return self.index.get(str(number))

    def list(self):
        root = self.item(self.root)
        self.module(root, root["name"])
        return sorted(self.lines)

    def add(self, item, line):
        attributes = item["attrs"]
        is_growing = any("non_exhaustive" in str(attribute) for attribute in attributes)
        self.lines.add(line + (" (non_exhaustive)" if is_growing else ""))

    def module(self, module, path):
        if (module["id"], path) in self.modules:
            return
        self.modules.add((module["id"], path))
        for number in module["inner"]["module"]["items"]:
            item = self.item(number)
            if item and item["visibility"] == "public":
                self.public(item, path)

    def public(self, item, path):
        [(kind, of)] = item["inner"].items()
        here = f"{path}::{item['name']}"
        if kind in ("struct", "enum", "trait") and self.paths.setdefault(item["id"], here) != here:
            self.lines.add(f"use {here} = {self.paths[item['id']]}")
            return
        match kind:
            case "module":
                self.add(item, f"mod {here}")
                self.module(item, here)
            case "use":
                target = self.item(of["id"]) if of["id"] is not None else None
                if target is None:
                    self.lines.add(f"use {path}::{of['name']} = {of['source']}")
                elif of["is_glob"]:
                    self.module(target, path)
                else:
                    self.public({**target, "name": of["name"]}, path)
            case "function":
                self.function(item, of, path)
            case "struct":
                generics, where = of_generics(of["generics"])
                self.add(item, f"struct {here}{generics}{where}")
                self.fields(of["kind"], here)
                self.impls(of["impls"], here)
            case "enum":
                generics, where = of_generics(of["generics"])
                self.add(item, f"enum {here}{generics}{where}")
                for number in of["variants"]:
                    # Those that are hidden are not part of it.
                    if variant := self.item(number):
                        self.add(variant, f"variant {here}::{variant['name']}")
                        self.fields(variant["inner"]["variant"]["kind"], f"{here}::{variant['name']}")
                self.impls(of["impls"], here)
            case "trait":
                generics, where = of_generics(of["generics"])
                bounds = f": {of_bounds(of['bounds'])}" if of["bounds"] else ""
                self.add(item, f"trait {here}{generics}{bounds}{where}")
                for number in of["items"]:
                    self.member(number, here)
            case "type_alias":
                self.add(item, f"type {here}{of_generics(of['generics'])[0]} = {of_type(of['type'])}")
            case "constant":
                self.add(item, f"const {here}: {of_type(of['type'])}")
            case "static":
                self.add(item, f"static {here}: {of_type(of['type'])}")
            case _:
                self.add(item, f"{kind} {here}")

    def function(self, item, of, path):
        generics, where = of_generics(of["generics"])
        words = [word for word in ("const", "async", "unsafe") if of["header"][f"is_{word}"]]
        words = " ".join([*words, "fn"])
        self.add(item, f"{words} {path}::{item['name']}{generics}{of_signature(of['sig'])}{where}")

    def fields(self, kind, here):
        if isinstance(kind, str):
            return
        for numbers in kind.values():
            numbers = numbers["fields"] if isinstance(numbers, dict) else numbers
            for number in numbers:
                field = self.item(number) if number is not None else None
                if field and field["visibility"] in ("public", "default"):
                    self.lines.add(f"field {here}::{field['name']}: {of_type(field['inner']['struct_field'])}")

    def member(self, number, here):
        if item := self.item(number):
            [(kind, of)] = item["inner"].items()
            if kind == "function":
                self.function(item, of, here)
            elif kind == "assoc_const":
                self.lines.add(f"const {here}::{item['name']}: {of_type(of['type'])}")
            elif kind == "assoc_type":
                equal = f" = {of_type(of['type'])}" if of["type"] else ""
                self.lines.add(f"type {here}::{item['name']}{equal}")

    def impls(self, numbers, here):
        plain = []
        for number in numbers:
            item = self.item(number)
            of = item and item["inner"]["impl"]
            if not of or of["is_synthetic"] or of["blanket_impl"]:
                continue
            if of["trait"] is None:
                for member in of["items"]:
                    if (inside := self.item(member)) and inside["visibility"] == "public":
                        self.member(member, here)
            else:
                generics, where = of_generics(of["generics"])
                trait = of["trait"]["path"] + of_arguments(of["trait"].get("args"))
                if "<" in trait + generics or where:
                    self.lines.add(f"impl{generics} {trait} for {here}{where}")
                elif trait != "StructuralPartialEq":
                    plain.append(trait)
        if plain:
            self.lines.add(f"impl {', '.join(sorted(plain))} for {here}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="write the lists instead of comparing with them")
    is_update = parser.parse_args().update
    is_changed = False
    for name, documentation in documented().items():
        path = ROOT / LIBRARIES[name] / "api.txt"
        now = [line + "\n" for line in Library(documentation).list()]
        if is_update:
            path.write_text("".join(now))
            continue
        before = path.read_text().splitlines(keepends=True)
        label = str(path.relative_to(ROOT))
        difference = list(difflib.unified_diff(before, now, label, f"{label} of this source", n=0))
        is_changed |= bool(difference)
        sys.stdout.writelines(difference)
    if is_changed:
        sys.exit("the public items have changed; if that is meant, run conformance/public_api.py --update")


if __name__ == "__main__":
    main()
