"""Check bytes, chain, documents and phases of what `rampgate export` wrote: python check_ledger.py FILE [HEAD]."""

import hashlib
import json
import sys


def canonical(value):
    """The one text of a JSON value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def follows(before, record):
    """Whether a state can follow from the one before: a first look enters a phase, a go the next or the same anew."""
    state, entry, more = record["state"], record["entry"], record["state"].get("attempt", 1) - before.get("attempt", 1)
    then, now = [] if more else before.get("phases", []), state.get("phases", [])
    went = entry.get("decision", entry.get("statement")).get("decision") == "go"
    entered = went + (record["kind"] == "decision" and not then)
    steps = {now[i][0] - now[i - 1][0] for i in range(1, len(now))}
    return more in (0, 1) and now[: len(then)] == then and len(now) - len(then) <= entered and steps <= {0, 1}


def named(entry):
    """The documents that a record rests on: a policy, a simulation, a review, people's keys, periods of rows."""
    said, inputs = entry.get("statement", {}), entry.get("inputs", {})
    looked = {inputs.get("policy"), inputs.get("mandate", {}).get("given"), inputs.get("people", {}).get("keys")}
    pages = {period["document"] for period in inputs.get("periods", ())}
    return (looked | pages | {said.get(key) for key in ("policy_sha256", "simulation", "document")}) - {None}


def check(lines):
    """How many records are whole, and the SHA-256 of the last; ValueError names the first that is not."""
    documents, known, states, head, count = set(), set(), {}, "0" * 64, 0
    for body in (line.rstrip(b"\n") for line in lines):
        value, sha256 = json.loads(body), hashlib.sha256(body).hexdigest()
        if "previous_sha256" not in value:  # a document
            documents.add(sha256)
            continue
        count, known, before = count + 1, known | named(value["entry"]), states.get(value["rollout"], {})
        for wrong, what in (
            (canonical(value) != body, "its bytes are not canonical"),
            (value["sequence"] != count, f"it says that it is record {value['sequence']}"),
            (value["previous_sha256"] != head, "it does not name the SHA-256 of the record before it"),
            (not known <= documents, "a document that it names does not stand before it"),
            (not follows(before, value), "its phases do not follow from the record before it"),
        ):
            if wrong:
                raise ValueError(f"record {count}: {what}")
        states[value["rollout"]], head = value["state"], sha256
    for sha256 in documents - known:
        raise ValueError(f"document {sha256} is named by no record")
    return count, head


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        count, head = check(file)
    if head not in (sys.argv[2:] or [head]):
        sys.exit(f"the last record is {head}")
    print(count, "records, the last one", head)
