"""The part of JSON schema that lightningd's own command schemas use, with its types."""
import re

KEYWORDS = {"type", "description", "required", "additionalProperties", "properties", "items", "enum", "default",
            "untyped"}


def text(pattern):
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def whole(least, most):
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


# What lightningd writes for each type in a result.
TYPES = {
    "string": text(r"(?s:.*)"),
    "boolean": lambda value: isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "integer": whole(-2**63, 2**63 - 1),
    "u16": whole(0, 2**16 - 1),
    "u32": whole(0, 2**32 - 1),
    "u64": whole(0, 2**64 - 1),
    "msat": whole(0, 21_000_000 * 10**11),
    "hex": text(r"(?:[0-9a-f]{2})*"),
    "hash": text(r"[0-9a-f]{64}"),
    "txid": text(r"[0-9a-f]{64}"),
    "pubkey": text(r"0[23][0-9a-f]{64}"),
    "outpoint": text(r"[0-9a-f]{64}:[0-9]+"),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
# What only parameters are.
REQUEST_TYPES = {"sat", "sat_or_all", "sat_or_share", "feerate"}


def nested(schema, name=""):
    """(path, schema) of all that is inside of an object or an array, such as "failed[].error"."""
    for key, inside in schema.get("properties", {}).items():
        path = f"{name}.{key}".lstrip(".")
        yield path, inside
        yield from nested(inside, path)
    if "items" in schema:
        yield f"{name}[]", schema["items"]
        yield from nested(schema["items"], f"{name}[]")


def mistakes(schema):
    """What is wrong with a schema's form; empty when nothing is."""
    found = []
    for path, inside in nested(schema):
        found += [f"{path}: unknown keyword {key}" for key in set(inside) - KEYWORDS]
        if not inside.get("untyped") and inside.get("type") not in {*TYPES, *REQUEST_TYPES}:
            found.append(f"{path}: unknown type {inside.get('type')}")
        if not path.endswith("[]") and not "".join(inside.get("description", [])):
            found.append(f"{path}: no description")
        if inside.get("type") == "array" and "items" not in inside:
            found.append(f"{path}: an array of what?")
        if inside.get("type") == "object" and "properties" not in inside:
            found.append(f"{path}: an object with what?")
    for path, inside in (("", schema), *nested(schema)):
        if "properties" not in inside:
            continue
        if inside.get("additionalProperties") is not False:
            found.append(f"{path}: takes what is not documented")
        found += [f"{path}: {key} is required but not there"
                  for key in set(inside.get("required", [])) - set(inside["properties"])]
    return found


def problems(schema, value, path="", seen=None):
    """Why `value` is not what the schema says; empty when it is. The paths of what was met go into `seen`."""
    if seen is not None:
        seen.add(path)
    if schema.get("untyped"):
        return []
    if not TYPES[schema.get("type", "object")](value):
        return [f"{path}: {value!r} is no {schema.get('type', 'object')}"]
    found = []
    if value not in schema.get("enum", [value]):
        found.append(f"{path}: {value!r} is not one of {schema['enum']}")
    if isinstance(value, dict):
        found += [f"{path}: lacks {key}" for key in schema.get("required", []) if key not in value]
        for key, inside in value.items():
            inside_path = f"{path}.{key}".lstrip(".")
            if key in schema["properties"]:
                found += problems(schema["properties"][key], inside, inside_path, seen)
            else:
                found.append(f"{inside_path}: not documented")
    if isinstance(value, list):
        for inside in value:
            found += problems(schema["items"], inside, f"{path}[]", seen)
    return found
