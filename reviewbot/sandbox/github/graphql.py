"""GraphQL: the schema of ``schema.graphql`` run by graphql-core, errors in GitHub's shape.

Objects are dictionaries of values and of functions that compute a field when it is asked for: see `graphql_objects`.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reviewbot.sandbox.github.calls import Answer, Call, Refusal, answer
from reviewbot.sandbox.github.graphql_mutations import MUTATIONS
from reviewbot.sandbox.github.graphql_objects import Objects
from reviewbot.sandbox.github.graphql_paging import Problem

if TYPE_CHECKING:
    from graphql import ExecutionResult, GraphQLError, GraphQLSchema


@functools.cache
def _schema() -> GraphQLSchema:
    # Imported here: 0.2 s that only the first GraphQL request is to pay.
    from graphql import build_schema

    return build_schema(Path(__file__).with_name("schema.graphql").read_text(encoding="utf-8"))


def serve(call: Call) -> Answer:
    """Run the document of a request. Without a token 401; otherwise 200, with ``errors`` when something went wrong."""
    # Imported here: see _schema.
    from graphql import graphql_sync

    if call.token is None:
        raise Refusal(401, "This endpoint requires you to be authenticated.")
    fields = call.fields()
    query, variables = fields.get("query"), fields.get("variables")
    if not isinstance(query, str):
        return answer({"message": "A query attribute must be specified and must be a string."}, 400)
    objects = Objects(call)
    root: dict[str, Any] = {
        # An app is "name[bot]" to itself and "name" as an author.
        "viewer": objects.account(call.token.account) | {"login": call.token.account.login},
        "repository": objects.repository_named,
        "node": objects.node,
        "rateLimit": _rate_limit(call),
    }
    root |= {name: functools.partial(_mutate, objects, name) for name in MUTATIONS}
    name = fields.get("operationName")
    result = graphql_sync(_schema(), query, root_value=root, variable_values=variables, operation_name=name)
    return answer(_shape(result))


def _mutate(objects: Objects, name: str, _info: object, **arguments: Any) -> object:
    done: dict[str, Any] = MUTATIONS[name](objects, arguments["input"])
    return done | {"clientMutationId": arguments["input"].get("clientMutationId")}


def _rate_limit(call: Call) -> dict[str, object]:
    window = call.github.quota.window(call.speaker().value, "graphql", call.github.clock())
    left = max(0, window.limit - window.used)
    reset = datetime.fromtimestamp(window.reset, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"limit": window.limit, "cost": 1, "remaining": left, "used": window.used, "resetAt": reset}


def _shape(result: ExecutionResult) -> dict[str, object]:
    """GitHub puts an error's type beside its message, where the standard has ``extensions``."""
    errors = [_error(error) for error in result.errors or ()]
    out: dict[str, object] = {"data": result.data} if result.data is not None or not errors else {}
    return out | ({"errors": errors} if errors else {})


def _error(error: GraphQLError) -> dict[str, object]:
    cause = error.original_error
    out: dict[str, object] = {"type": cause.kind} if isinstance(cause, Problem) else {}
    if error.path is not None:
        out["path"] = error.path
    out["locations"] = [{"line": at.line, "column": at.column} for at in error.locations or ()]
    if cause is not None and not isinstance(cause, Problem | Refusal):
        raise cause  # a fault of the sandbox must not look like an answer of GitHub
    return out | {"message": error.message}
