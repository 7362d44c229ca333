"""From a file, a text or a mapping to a policy, or to one error that says all that is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rampgate.errors import PolicyError
from rampgate.policy.document import DEEPEST, read_yaml
from rampgate.policy.explain import explain, unknown_keys
from rampgate.policy.lint import lint
from rampgate.policy.model import Policy
from rampgate.policy.problem import KeyPath, Origin, Problem, kind_of

_EXAMPLE = "a policy gives at least metrics, kpi: weights and phases"


def load_policy(source: str | Path | Mapping[str, Any] | Policy) -> Policy:
    """Load a policy and check everything in it that can be checked without the data.

    Parameters
    ----------
    source : str, Path, mapping or Policy
        A file's path; a text of YAML (a str with a line break or starting with a brace);
        a mapping of the same shape; a policy, which is returned as it is.

    Returns
    -------
    Policy
        Its `path` is the file it came from.

    Raises
    ------
    PolicyError
        With file and line of everything that is wrong, all at once.
    """
    if isinstance(source, Policy):
        return source
    if isinstance(source, Mapping):
        return _build(source, Origin(), [])
    if isinstance(source, str) and ("\n" in source or source.lstrip().startswith("{")):
        return _parse(source, "<text>", None)
    if not isinstance(source, (str, Path)):
        raise PolicyError(
            f"a policy cannot be loaded from {kind_of(source)}",
            remedy="give a path, a text of YAML, or a mapping",
        )
    path = Path(source)
    return _parse(_read(path), str(path), path)


def _read(path: Path) -> str:
    where = str(path)
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise PolicyError("there is no such policy file", where=where, remedy=_siblings(path)) from None
    except IsADirectoryError:
        raise PolicyError("this is a directory", where=where, remedy="give the policy file in it") from None
    except UnicodeDecodeError as error:
        raise PolicyError(
            f"this is not text in UTF-8 (byte {error.start + 1} of the file)",
            where=where,
            remedy="give a YAML file, and save it as UTF-8",
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PolicyError(
            f"the policy cannot be read: {reason}", where=where, remedy="check the path and its permissions"
        ) from error


def _siblings(path: Path) -> str:
    """What could have been meant: the YAML files beside the missing one."""
    try:
        found = sorted(file.name for file in path.parent.iterdir() if file.suffix in (".yaml", ".yml"))
    except OSError:
        return f"there is no directory {path.parent} either; check the path"
    return f"beside it are: {', '.join(found[:5])}" if found else "check the path"


def _parse(text: str, name: str, path: Path | None) -> Policy:
    document = read_yaml(text)
    origin = Origin(name, path, document.lines)
    if document.content is None and not document.problems:
        raise _empty(origin)
    if document.content is None:
        raise origin.refuse(document.problems)
    if not isinstance(document.content, dict):
        what = f"the policy is no mapping of keys to values, but {kind_of(document.content)}"
        raise origin.refuse([*document.problems, Problem((), what, _EXAMPLE)])
    return _build(document.content, origin, document.problems)


def _empty(origin: Origin) -> PolicyError:
    return PolicyError("the policy is empty", where=origin.name, remedy=_EXAMPLE)


def _build(content: Mapping[str, Any], origin: Origin, problems: list[Problem]) -> Policy:
    """Validate and lint; what was found wrong before is in `problems` and is not said twice."""
    found = list(problems)
    plain = _plain(content, (), found)
    if not content:
        raise _empty(origin)
    policy, invalid = _validate(plain)
    if policy is not None:
        invalid.extend(lint(policy))
    said = {problem.path for problem in found}
    found.extend(problem for problem in invalid if problem.path not in said)
    if found or policy is None:
        raise origin.refuse(found, more=policy is None)
    policy._origin = origin
    return policy


def _validate(content: dict[str, Any]) -> tuple[Policy | None, list[Problem]]:
    """The policy, if its values are legal; unknown keys are reported and looked past."""
    try:
        return Policy.model_validate(content), []
    except ValidationError as error:
        problems = explain(error)
        unknown = unknown_keys(error)
    if len(unknown) < len(problems):
        return None, problems
    # Nothing else was wrong, so the rest is a policy.
    return Policy.model_validate(_without(content, unknown)), problems


def _plain(value: Any, path: KeyPath, problems: list[Problem]) -> Any:
    """Mappings as dicts with text keys, sequences as lists; an empty value is a problem."""
    if value is None:
        # An alias or the like was refused here already. An empty section is never a default in
        # disguise: "approval:" with nothing below it would switch the approvals off.
        if all(problem.path != path for problem in problems):
            problems.append(Problem(path, "nothing is given", "give it a value, or leave the key out"))
        return None
    if len(path) > DEEPEST:
        problems.append(Problem(path[:2], f"is nested deeper than {DEEPEST} levels", _EXAMPLE))
        return None
    if isinstance(value, Mapping):
        return {
            (name := _key(key, path, problems)): _plain(item, (*path, name), problems) for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_plain(item, (*path, index), problems) for index, item in enumerate(value)]
    return value


def _key(key: object, path: KeyPath, problems: list[Problem]) -> str:
    if not isinstance(key, str):
        problems.append(Problem(path, f"the key {key!r} is not text", f'write it as "{key}"'))
    return str(key)


def _without(value: Any, unwanted: Iterable[KeyPath], path: KeyPath = ()) -> Any:
    if isinstance(value, dict):
        return {k: _without(v, unwanted, (*path, k)) for k, v in value.items() if (*path, k) not in unwanted}
    if isinstance(value, list):
        return [_without(item, unwanted, (*path, index)) for index, item in enumerate(value)]
    return value
