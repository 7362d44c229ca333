"""Check what `rampgate export` wrote, with nothing but Python: python check_ledger.py ledger.jsonl [HEAD].

It checks the bytes, the chain, the documents and the way of each rollout through its phases. It does not judge again:
`rampgate verify` does.
"""

import hashlib
import json
import sys


def canonical(value):
    """The one text of a JSON value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def follows(before, record):
    """Whether a record's state can follow from the one before it: a phase is left by a decision to go, and by one."""
    then, now, entry = before.get("phases", []), record["state"].get("phases", []), record["entry"]
    said = entry["decision"]["decision"] if record["kind"] == "decision" else entry["statement"].get("decision")
    if now[: len(then)] != then or record["state"].get("attempt") != before.get("attempt"):
        return not before or record["state"]["attempt"] == before["attempt"] + 1
    first = 1 if record["kind"] == "decision" and not then else 0  # the first phase is entered by looking
    return len(now) - len(then) <= first + (said == "go")


def check(lines):
    """Return how many records are whole and the SHA-256 of the last; ValueError names the first that is not."""
    documents, states, head, count = set(), {}, "0" * 64, 0
    for line in lines:
        body = line.rstrip(b"\n")
        value, sha256 = json.loads(body), hashlib.sha256(body).hexdigest()
        if "previous_sha256" not in value:  # a document
            documents.add(sha256)
            continue
        count += 1
        rollout, entry = value["rollout"], value["entry"]
        inputs = entry.get("inputs", {"policy": entry.get("statement", {}).get("policy_sha256"), "periods": []})
        named = {inputs["policy"], *(period["document"] for period in inputs["periods"])} - {None}
        for wrong, what in (
            (canonical(value) != body, "its bytes are not canonical"),
            (value["sequence"] != count, f"it says that it is record {value['sequence']}"),
            (value["previous_sha256"] != head, "it does not name the SHA-256 of the record before it"),
            (not named <= documents, "a document that it names does not stand before it"),
            (not follows(states.get(rollout, {}), value), "its phases do not follow from the record before it"),
        ):
            if wrong:
                raise ValueError(f"record {count}: {what}")
        states[rollout], head = value["state"], sha256
    return count, head


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        found = check(file)
    if len(sys.argv) > 2 and found[1] != sys.argv[2]:
        sys.exit(f"the last record is {found[1]}")
    print(f"{found[0]} records, the last one {found[1]}")
