"""The OpenAPI document is valid, so that generators of clients take it."""

import requests
from openapi_spec_validator import OpenAPIV31SpecValidator


def test_openapi_document_is_valid(demo):
    document = requests.get(f"{demo['url']}/openapi.json", timeout=10).json()
    errors = [f"{list(error.absolute_path)}: {error.message}" for error in OpenAPIV31SpecValidator(document).iter_errors()]
    assert errors == []
    assert len(document["paths"]) > 15
